"""The SQL of the audit: a row for each resource that a call changed, written in the transaction of the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.http.calls import WriteCall
from codeqr_common.ids import first_id, new_id
from codeqr_common.times import to_ms
from link_api import clock
from link_api.audit.schemas import AuditEntry, AuditFilters
from link_api.rows import Row, fetch_all
from link_api.tables import api_keys, audit, users

PREFIX = "aud"
UNSURE_MS = 60_000
"""How far the time in an entry's id may be from the entry's own, which is taken a moment before."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something. Without a key and a user: the operator."""

    project_id: str
    key_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None


def actor_of(call: WriteCall) -> Actor:
    """The caller as the audit names it."""
    identity = call.identity
    return Actor(identity.project_id, identity.key_id, identity.user_id, call.request_id)


async def record(connection: AsyncConnection, actor: Actor, action: str, resource_ids: Sequence[str]) -> None:
    """Note that the actor did `action` (such as `tag.created`) to these resources."""
    if not resource_ids:
        return
    moment = clock.now()
    rows = [
        {
            "project_id": actor.project_id,
            "id": new_id(PREFIX),
            "at": moment,
            "action": action,
            "resource_id": resource_id,
            "key_id": actor.key_id,
            "user_id": actor.user_id,
            "request_id": actor.request_id,
        }
        for resource_id in resource_ids
    ]
    await connection.execute(insert(audit), rows)


async def page(connection: AsyncConnection, project_id: str, filters: AuditFilters) -> list[AuditEntry]:
    """One page of the project's entries, newest first."""
    entries = select(audit).where(audit.c.project_id == project_id, *_conditions(filters))
    part = filters.part(entries, audit.c.id, descending=True).subquery()
    query = (
        select(part, api_keys.c.name.label("key_name"), users.c.name.label("user_name"))
        .select_from(part)
        .outerjoin(api_keys, api_keys.c.id == part.c.key_id)
        .outerjoin(users, users.c.id == part.c.user_id)
    )
    found = sorted(await fetch_all(connection, query), key=lambda row: str(row["id"]), reverse=True)
    return [_entry(row) for row in found]


async def remove_old(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` entries older than a time. Gives their number."""
    names = (audit.c.project_id, audit.c.id)
    old = select(*names).where(audit.c.at < before).limit(limit).with_for_update(skip_locked=True)
    return (await connection.execute(delete(audit).where(tuple_(*names).in_(old)))).rowcount


async def count_old(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """How many wait to be deleted; counts no further than `limit`."""
    old = select(true()).select_from(audit).where(audit.c.at < before).limit(limit).subquery()
    return int((await connection.execute(select(func.count()).select_from(old))).scalar_one())


def _conditions(filters: AuditFilters) -> list[ColumnElement[bool]]:
    """Times are looked up by the ids, which are made of them: the primary key finds these at once."""
    wanted = (
        (audit.c.action, filters.action),
        (audit.c.resource_id, filters.resource_id),
        (audit.c.key_id, filters.key_id),
    )
    conditions: list[ColumnElement[bool]] = [column == value for column, value in wanted if value is not None]
    if filters.since is not None:
        conditions.append(and_(audit.c.at >= filters.since, audit.c.id >= _first_id(filters.since, -UNSURE_MS)))
    if filters.until is not None:
        conditions.append(and_(audit.c.at < filters.until, audit.c.id < _first_id(filters.until, UNSURE_MS)))
    return conditions


def _first_id(moment: datetime, more_ms: int) -> str:
    return first_id(PREFIX, max(to_ms(moment) + more_ms, 0))


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=clock.iso_or_none(row["at"]) or "",
        action=row["action"],
        resource_id=row["resource_id"],
        key_id=row["key_id"],
        key_name=row["key_name"],
        user_id=row["user_id"],
        user_name=row["user_name"],
        request_id=row["request_id"],
    )
