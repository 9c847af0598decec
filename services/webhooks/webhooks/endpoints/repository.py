"""Endpoints in Postgres."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from webhooks import tables


@dataclass(frozen=True)
class Endpoint:
    """A registered endpoint. Times in milliseconds since the epoch."""

    id: str
    project_id: str
    name: str
    url: str
    triggers: tuple[str, ...]
    link_ids: tuple[str, ...]
    enabled: bool
    disabled_at: int | None
    disabled_reason: str | None
    secret: str
    created_at: int
    updated_at: int


def _endpoint(row: RowMapping) -> Endpoint:
    lists = {"triggers": tuple(row["triggers"]), "link_ids": tuple(row["link_ids"])}
    return Endpoint(**{**dict(row), **lists})


class EndpointRepository:
    """Reads and writes the endpoints of one project at a time: another project's do not exist here."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, endpoint: Endpoint) -> None:
        values = asdict(endpoint)
        values |= {"triggers": list(endpoint.triggers), "link_ids": list(endpoint.link_ids)}
        await self._connection.execute(insert(tables.endpoints).values(values))

    async def get(self, project_id: str, endpoint_id: str) -> Endpoint | None:
        table = tables.endpoints
        query = select(table).where(table.c.id == endpoint_id, table.c.project_id == project_id)
        row = (await self._connection.execute(query)).mappings().one_or_none()
        return None if row is None else _endpoint(row)

    async def list(self, project_id: str, *, limit: int, offset: int) -> list[Endpoint]:
        """Newest first."""
        table = tables.endpoints
        query = (
            select(table)
            .where(table.c.project_id == project_id)
            .order_by(table.c.created_at.desc(), table.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_endpoint(row) for row in (await self._connection.execute(query)).mappings()]

    async def known(self, project_id: str, endpoint_ids: Sequence[str]) -> set[str]:
        """Those of these ids that are the project's endpoints."""
        table = tables.endpoints
        query = select(table.c.id).where(table.c.id.in_(endpoint_ids), table.c.project_id == project_id)
        return set((await self._connection.scalars(query)).all())

    async def remove(self, project_id: str, endpoint_id: str) -> bool:
        """Remove it with its deliveries; whether it was there."""
        table = tables.endpoints
        command = delete(table).where(table.c.id == endpoint_id, table.c.project_id == project_id)
        return (await self._connection.execute(command)).rowcount > 0
