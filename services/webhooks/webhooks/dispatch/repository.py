"""What the intake reads and writes in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.events.links import Link, LinkEvent
from codeqr_common.ids import new_id
from webhooks import tables
from webhooks.dispatch.matching import Subscription
from webhooks.dispatch.payloads import Event

_encode = msgspec.json.Encoder().encode
_decode_link = msgspec.json.Decoder(Link).decode

STORE_DELIVERIES = text("""
    INSERT INTO webhooks.deliveries (id, event_id, endpoint_id, status, next_attempt_at, completed_at)
    SELECT wanted.id, wanted.event_id, endpoint.id,
           CASE WHEN endpoint.enabled THEN 'pending' ELSE 'skipped' END,
           CASE WHEN endpoint.enabled THEN now() END,
           CASE WHEN endpoint.enabled THEN NULL ELSE now() END
    FROM unnest(CAST(:ids AS text[]), CAST(:events AS text[]), CAST(:endpoints AS text[]))
         AS wanted (id, event_id, endpoint_id)
    JOIN webhooks.endpoints AS endpoint ON endpoint.id = wanted.endpoint_id
    FOR SHARE OF endpoint
    ON CONFLICT (event_id, endpoint_id) DO NOTHING
""")
"""The endpoints are locked, so that none is disabled or removed between this look at it and the commit:

who disables one afterwards sees these deliveries and skips them; who did so before is seen here.
"""


@dataclass(frozen=True)
class Wanted:
    """An event, and the endpoints that it is for."""

    event: Event
    endpoint_ids: tuple[str, ...]


async def subscriptions(
    connection: AsyncConnection, project_ids: Collection[str], triggers: Collection[str]
) -> list[Subscription]:
    """The endpoints of these projects that list any of these triggers, disabled ones too."""
    table = tables.endpoints
    query = select(
        table.c.id, table.c.project_id, table.c.triggers, table.c.link_ids, table.c.created_at.label("since")
    ).where(table.c.project_id.in_(project_ids), table.c.triggers.overlap(list(triggers)))
    return [
        Subscription(row.id, row.project_id, frozenset(row.triggers), frozenset(row.link_ids), row.since)
        for row in await connection.execute(query)
    ]


async def store(connection: AsyncConnection, wanted: Sequence[Wanted]) -> None:
    """Store the events and a delivery for each endpoint. What is already there stays as it is."""
    if not wanted:
        return
    events = [
        {
            "id": each.event.id,
            "project_id": each.event.project_id,
            "trigger": each.event.trigger,
            "link_id": each.event.link_id,
            "time": each.event.time,
            "body": each.event.body,
            "traceparent": each.event.traceparent,
            "stored_at": func.now(),
        }
        for each in wanted
    ]
    for start in range(0, len(events), 500):
        await connection.execute(insert(tables.events).on_conflict_do_nothing().values(events[start : start + 500]))
    pairs = [(each.event.id, endpoint_id) for each in wanted for endpoint_id in each.endpoint_ids]
    await connection.execute(
        STORE_DELIVERIES,
        {
            "ids": [new_id("whd") for _ in pairs],
            "events": [event_id for event_id, _ in pairs],
            "endpoints": [endpoint_id for _, endpoint_id in pairs],
        },
    )


async def keep_copies(connection: AsyncConnection, deletions: Sequence[LinkEvent]) -> None:
    """Remember deleted links as they last were."""
    for event in deletions:
        values = {
            "link_id": event.link_id,
            "project_id": event.project_id,
            "version": event.version,
            "link": _encode(event.link),
            "stored_at": func.now(),
        }
        await connection.execute(insert(tables.link_copies).values(values).on_conflict_do_nothing())


async def copies(connection: AsyncConnection, link_ids: Collection[str]) -> dict[str, Link]:
    """Those of these links that were deleted, as they last were."""
    table = tables.link_copies
    query = select(table.c.link_id, table.c.link).where(table.c.link_id.in_(link_ids))
    return {row.link_id: _decode_link(row.link) for row in await connection.execute(query)}
