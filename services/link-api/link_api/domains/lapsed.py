"""The SQL that removes claims of domains which nobody verified in time."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from link_api.tables import domains


class Lapsed(NamedTuple):
    """A claim that was removed."""

    project_id: str
    id: str


async def remove_lapsed(connection: AsyncConnection, older_than: datetime, limit: int) -> list[Lapsed]:
    """Delete at most `limit` claims made before a time and never verified. Gives them."""
    old = select(domains.c.id).where(_is_lapsed(older_than)).limit(limit).with_for_update(skip_locked=True)
    statement = delete(domains).where(domains.c.id.in_(old)).returning(domains.c.project_id, domains.c.id)
    return [Lapsed(*row) for row in await connection.execute(statement)]


async def count_lapsed(connection: AsyncConnection, older_than: datetime, limit: int) -> int:
    """How many of them wait to be deleted; counts no further than `limit`."""
    old = select(domains.c.id).where(_is_lapsed(older_than)).limit(limit).subquery()
    return int((await connection.execute(select(func.count()).select_from(old))).scalar_one())


def _is_lapsed(older_than: datetime) -> ColumnElement[bool]:
    """Claims hold nothing, so no link can be on them; shared domains are nobody's claim."""
    return and_(domains.c.verified_at.is_(None), domains.c.created_at < older_than, domains.c.project_id.is_not(None))
