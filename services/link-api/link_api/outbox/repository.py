"""Rows of the outbox: written in the transaction of the change, read and deleted by the relay."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import BigInteger, SmallInteger, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import tracing
from codeqr_common.events import links as link_events
from codeqr_common.events.links import DomainEvent, LinkEvent, ProjectEvent
from codeqr_common.kafka.topics import LINK_EVENTS
from link_api.outbox import entries as register_entries
from link_api.outbox.entries import RegisterEntries
from link_api.tables import outbox

SHARDS = 16
LOCK_CLASS = 0x6C696E6B
"""The first half of the shards' advisory locks; the second half is the shard."""


def shard_of(domain: str, folded: str) -> int:
    """The shard of everything that happens to one short link (or, with no key, to one domain)."""
    return zlib.crc32(f"{domain}/{folded}".encode()) % SHARDS


def headers_of(event: LinkEvent | DomainEvent | ProjectEvent) -> dict[str, str]:
    """The Kafka headers of an event that is written now."""
    headers = {"event-id": event.id, "event-type": event.type} | tracing.carrier()
    if event.request_id:
        headers["request-id"] = event.request_id
    return headers


def request_id() -> str | None:
    """The id of the request that is being answered, if one is."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return None if found is None else str(found)


class OutboxRow(NamedTuple):
    """An event that waits to be published."""

    id: int
    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]
    register: bytes


def row_of(
    event: LinkEvent | DomainEvent | ProjectEvent, key: str, shard: int, entries: RegisterEntries
) -> dict[str, Any]:
    """The row that tells of the event; `entries` are what it means for the register."""
    return {
        "shard": shard,
        "topic": LINK_EVENTS,
        "key": key,
        "value": link_events.encode(event),
        "headers": headers_of(event),
        "register": register_entries.encode(entries),
    }


async def add_all(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows made by `row_of`."""
    if rows:
        await connection.execute(insert(outbox).values(list(rows)))


async def add_domain_event(connection: AsyncConnection, event: DomainEvent, entries: RegisterEntries) -> None:
    """Write a domain's event."""
    await add_all(connection, [row_of(event, event.domain.id, shard_of(event.domain.slug, ""), entries)])


async def add_project_event(connection: AsyncConnection, event: ProjectEvent) -> None:
    """Write a project's event, which the register has no part in."""
    await add_all(connection, [row_of(event, event.project_id, shard_of(event.project_id, ""), RegisterEntries())])


_OLDEST = (
    select(outbox.c.id, outbox.c.topic, outbox.c.key, outbox.c.value, outbox.c.headers, outbox.c.register)
    .where(outbox.c.shard == func.any(bindparam("shards", type_=ARRAY(SmallInteger))))
    .order_by(outbox.c.id)
    .limit(bindparam("limit"))
)
_UNPUBLISHED = _OLDEST.where(~outbox.c.published)
_UNREGISTERED = _OLDEST.where(outbox.c.published)
_THESE = outbox.c.id == func.any(bindparam("ids", type_=ARRAY(BigInteger)))
_DELETE = delete(outbox).where(_THESE)
_MARK = update(outbox).where(_THESE).values(published=True)
_WAITING = select(func.count(), func.min(outbox.c.created_at)).where(~outbox.c.published)
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:class, :shard)")


async def next_batch(connection: AsyncConnection, shards: Sequence[int], limit: int) -> list[OutboxRow]:
    """The oldest rows of these shards that are not published."""
    rows = await connection.execute(_UNPUBLISHED, {"shards": list(shards), "limit": limit})
    return [OutboxRow(*row) for row in rows]


async def next_unregistered(connection: AsyncConnection, shards: Sequence[int], limit: int) -> list[OutboxRow]:
    """The oldest rows of these shards that are published, but that Redis did not take."""
    rows = await connection.execute(_UNREGISTERED, {"shards": list(shards), "limit": limit})
    return [OutboxRow(*row) for row in rows]


async def mark_published(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Note that Kafka has these rows; they stay for the register's sake."""
    await connection.execute(_MARK, {"ids": list(ids)})


async def remove(connection: AsyncConnection, ids: Sequence[int]) -> None:
    """Delete rows by their ids: a row that became visible meanwhile stays, whatever its id."""
    await connection.execute(_DELETE, {"ids": list(ids)})


async def waiting(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many rows wait to be published, and since when the oldest does."""
    row = (await connection.execute(_WAITING)).one()
    return row[0], row[1]


async def try_lock(connection: AsyncConnection, shard: int) -> bool:
    """Take the shard for this session, unless another one has it."""
    return bool((await connection.execute(_TRY_LOCK, {"class": LOCK_CLASS, "shard": shard})).scalar_one())


async def remove_unregistered(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` published events older than a time, although Redis never took them. Gives their number.

    Safe once every entry that Redis may have held at that time has outlived its own time limit (`LINK_TTL_S`): then
    nothing is left there that these events would have to replace, and whoever asks fills the register from Postgres.
    """
    old = select(outbox.c.id).where(outbox.c.published, outbox.c.created_at < before)
    rows = old.order_by(outbox.c.id).limit(limit).with_for_update(skip_locked=True)
    return (await connection.execute(delete(outbox).where(outbox.c.id.in_(rows)))).rowcount


async def count_unregistered(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """How many of them wait to be deleted; counts no further than `limit`."""
    old = select(outbox.c.id).where(outbox.c.published, outbox.c.created_at < before).limit(limit).subquery()
    return int((await connection.execute(select(func.count()).select_from(old))).scalar_one())
