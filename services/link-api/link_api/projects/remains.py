"""The SQL of a project's deletion: what is marked first, what goes in batches, and the row itself."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from link_api import clock
from link_api.rows import fetch_one_or_none
from link_api.tables import (
    api_keys,
    audit,
    domains,
    idempotent_calls,
    key_usage,
    link_counters,
    links,
    project_counters,
    projects,
    tags,
)


class Marked(NamedTuple):
    """A project that is being deleted, and the hashes of its keys."""

    id: str
    key_hashes: Sequence[str]


class Kind(NamedTuple):
    """Rows of a table that go in batches. `key`: the columns of its primary key."""

    table: Table
    chosen: ColumnElement[bool]
    key: Sequence[str]


async def mark(connection: AsyncConnection, slug: str) -> Marked | None:
    """From now on nobody finds the project, and its keys are revoked. None if there is none, marked or not."""
    moment = clock.now()
    since = func.coalesce(projects.c.deleted_at, moment)
    marking = update(projects).where(projects.c.slug == slug).values(deleted_at=since).returning(projects.c.id)
    row = await fetch_one_or_none(connection, marking)
    if row is None:
        return None
    revoked = func.coalesce(api_keys.c.revoked_at, moment)
    revoking = update(api_keys).where(api_keys.c.project_id == row["id"]).values(revoked_at=revoked)
    hashes = await connection.execute(revoking.returning(api_keys.c.hash, api_keys.c.previous_hash))
    return Marked(row["id"], [key_hash for found in hashes for key_hash in found if key_hash])


async def remove_some(connection: AsyncConnection, project_id: str, limit: int) -> int:
    """Delete at most `limit` rows of each kind that may be many and of which nobody is told. Gives their number."""
    keys = select(api_keys.c.id).where(api_keys.c.project_id == project_id)
    kinds = (
        Kind(audit, audit.c.project_id == project_id, ("project_id", "id")),
        Kind(idempotent_calls, idempotent_calls.c.project_id == project_id, ("project_id", "method", "path", "key")),
        Kind(key_usage, key_usage.c.key_id.in_(keys), ("key_id", "day")),
        Kind(link_counters, link_counters.c.project_id == project_id, ("link_id",)),
        Kind(tags, tags.c.project_id == project_id, ("id",)),
    )
    return sum([await _remove(connection, kind, limit) for kind in kinds])


async def remove_project(connection: AsyncConnection, project_id: str, limit: int) -> bool:
    """Delete the project's row, and what belongs to it. False: links or domains have come, or others did it first.

    The lock waits for every transaction that is adding something to the project, and lets no other begin to.
    """
    lock = select(projects.c.id).where(projects.c.id == project_id).with_for_update()
    if (await connection.execute(lock)).one_or_none() is None:
        return False
    held = exists().where(domains.c.project_id == project_id, domains.c.verified_at.is_not(None))
    left = select(exists().where(links.c.project_id == project_id) | held)
    if (await connection.execute(left)).scalar_one():
        return False
    while await remove_some(connection, project_id, limit):  # what the last calls left
        pass
    await connection.execute(delete(project_counters).where(project_counters.c.project_id == project_id))
    await connection.execute(delete(projects).where(projects.c.id == project_id))
    return True


async def _remove(connection: AsyncConnection, kind: Kind, limit: int) -> int:
    """In the order of the key, in which others lock such rows, too."""
    names = [kind.table.c[name] for name in kind.key]
    some = select(*names).where(kind.chosen).order_by(*names).limit(limit).with_for_update().cte("some")
    return (await connection.execute(delete(kind.table).where(tuple_(*names).in_(select(*some.c))))).rowcount
