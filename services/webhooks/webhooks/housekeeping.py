"""What is done every now and then: counting what is pending, removing what is out of date."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.logs import get_logger
from webhooks import metrics
from webhooks.delivery import repository

log = get_logger(__name__)
COUNT_EVERY_S = 10.0
REMOVE_EVERY = 360
"""Removal goes with every 360th count: once an hour."""
BATCH = 5000
REMOVALS = (
    # Deliveries can be replayed for 14 days; an event goes with its last delivery's chance of that.
    """DELETE FROM webhooks.events WHERE id IN (
        SELECT event.id FROM webhooks.events AS event
        WHERE event.stored_at < now() - interval '15 days' AND NOT EXISTS (
            SELECT FROM webhooks.deliveries AS d WHERE d.event_id = event.id AND d.status = 'pending')
        LIMIT :batch)""",
    # Kafka keeps clicks for 7 days, so no click comes later than that.
    """DELETE FROM webhooks.link_copies WHERE link_id IN (
        SELECT link_id FROM webhooks.link_copies WHERE stored_at < now() - interval '10 days' LIMIT :batch)""",
    # A call can be repeated for 24 hours.
    """DELETE FROM webhooks.idempotent_calls WHERE (project_id, method, path, key) IN (
        SELECT project_id, method, path, key FROM webhooks.idempotent_calls
        WHERE created_at < now() - interval '24 hours' LIMIT :batch FOR UPDATE SKIP LOCKED)""",
)


async def run(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Keep house until `stop` is set. Survives the loss of the database."""
    count = 0
    while not stop.is_set():
        try:
            metrics.DELIVERIES_PENDING.set(await repository.pending(engine))
            if count % REMOVE_EVERY == 0:
                await _remove(engine)
            count += 1
        except Exception as error:
            log.warning("housekeeping put off", error=f"{type(error).__name__}: {error}"[:300])
        try:
            await asyncio.wait_for(stop.wait(), COUNT_EVERY_S)
        except TimeoutError:
            continue


async def _remove(engine: AsyncEngine) -> None:
    """Remove what is out of date, in batches, so that no lock is held for long."""
    for removal in REMOVALS:
        removed = BATCH
        while removed == BATCH:
            async with engine.begin() as connection:
                removed = (await connection.execute(text(removal), {"batch": BATCH})).rowcount
