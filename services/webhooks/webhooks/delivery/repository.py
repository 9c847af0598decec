"""Deliveries and attempts in Postgres: taking what is due, and recording what became of it."""

from collections.abc import Mapping

from sqlalchemy import bindparam, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common.times import now_ms
from webhooks import tables
from webhooks.delivery.attempts import Attempt, DueDelivery
from webhooks.delivery.schedule import Delivered, Gone, Outcome, Retry

GONE_REASON = "its endpoint answered 410 Gone"

TAKE_DUE = text("""
    WITH RECURSIVE busy (endpoint_id) AS (
        (SELECT endpoint_id FROM webhooks.deliveries WHERE status = 'pending' ORDER BY endpoint_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.endpoint_id FROM webhooks.deliveries AS d
                WHERE d.status = 'pending' AND d.endpoint_id > busy.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
        FROM busy WHERE busy.endpoint_id IS NOT NULL
    ), running (endpoint_id, attempts) AS (
        SELECT * FROM unnest(CAST(:endpoints AS text[]), CAST(:running AS integer[]))
    ), due AS MATERIALIZED (
        SELECT picked.id
        FROM busy
        LEFT JOIN running ON running.endpoint_id = busy.endpoint_id
        CROSS JOIN LATERAL (
            SELECT d.id, d.next_attempt_at FROM webhooks.deliveries AS d
            WHERE d.endpoint_id = busy.endpoint_id AND d.status = 'pending' AND d.next_attempt_at <= now()
            ORDER BY d.next_attempt_at
            LIMIT greatest(0, CAST(:per_endpoint AS integer) - coalesce(running.attempts, 0))
            FOR UPDATE SKIP LOCKED
        ) AS picked
        ORDER BY picked.next_attempt_at
        LIMIT :free
    )
    UPDATE webhooks.deliveries AS d
    SET lease = :lease, next_attempt_at = now() + make_interval(secs => CAST(:lease_s AS double precision))
    FROM webhooks.events AS event, webhooks.endpoints AS endpoint
    WHERE d.id = ANY (ARRAY (SELECT id FROM due)) AND event.id = d.event_id AND endpoint.id = d.endpoint_id
    RETURNING d.id, d.attempts, d.endpoint_id, endpoint.url, endpoint.secret, event.id AS event_id, event.body,
              event.trigger, event.traceparent
""")
"""Goes from endpoint to endpoint with something pending, and takes of each what its limit leaves, oldest first:

an endpoint with a million rows costs the others one step. The array makes the planner look rows up by their key,
whatever it believes about the size of the table.
"""


async def take_due(
    connection: AsyncConnection, *, lease: str, lease_s: float, running: Mapping[str, int], per_endpoint: int, free: int
) -> list[DueDelivery]:
    """Lease at most `free` due deliveries, and no more of an endpoint than `per_endpoint` less those `running`.

    When the lease runs out without a record they are due again: at least once, whatever dies.
    """
    parameters = {
        "endpoints": list(running),
        "running": list(running.values()),
        "per_endpoint": per_endpoint,
        "free": free,
        "lease": lease,
        "lease_s": lease_s,
    }
    rows = await connection.execute(TAKE_DUE, parameters)
    return [DueDelivery(lease=lease, **row) for row in rows.mappings()]


async def record(connection: AsyncConnection, delivery: DueDelivery, attempt: Attempt, outcome: Outcome) -> None:
    """Record the attempt, and move the delivery on if the lease still holds. A deleted endpoint's are let go."""
    if isinstance(outcome, Gone):
        await _disable(connection, delivery.endpoint_id)
    await _add_attempt(connection, delivery.id, attempt, delivered=isinstance(outcome, Delivered))
    table = tables.deliveries
    mine = (table.c.id == delivery.id, table.c.lease == delivery.lease, table.c.status == "pending")
    moved = update(table).where(*mine).values(attempts=table.c.attempts + 1, lease=None)
    if isinstance(outcome, Retry):
        moved = moved.values(next_attempt_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, outcome.delay_s))
    else:
        status = "delivered" if isinstance(outcome, Delivered) else "failed"
        moved = moved.values(status=status, next_attempt_at=None, completed_at=func.now())
    await connection.execute(moved)
    if isinstance(outcome, Gone):
        await _skip_pending(connection, delivery.endpoint_id)


async def _add_attempt(connection: AsyncConnection, delivery_id: str, attempt: Attempt, *, delivered: bool) -> None:
    columns = ["delivery_id", "started_at", "duration_ms", "delivered", "status", "error", "answer"]
    there = select(
        tables.deliveries.c.id,
        literal(attempt.started_at),
        literal(attempt.duration_ms),
        literal(delivered),
        bindparam("status", attempt.answer.status, tables.attempts.c.status.type),
        bindparam("error", attempt.answer.error, tables.attempts.c.error.type),
        literal(attempt.answer.body),
    ).where(tables.deliveries.c.id == delivery_id)
    await connection.execute(insert(tables.attempts).from_select(columns, there))


async def _disable(connection: AsyncConnection, endpoint_id: str) -> None:
    """Lock the endpoint before any delivery: all that touch both do so in this order, so that none waits for ever."""
    table = tables.endpoints
    now = now_ms()
    await connection.execute(
        update(table)
        .where(table.c.id == endpoint_id, table.c.enabled)
        .values(enabled=False, disabled_at=now, disabled_reason=GONE_REASON, updated_at=now)
    )


async def _skip_pending(connection: AsyncConnection, endpoint_id: str) -> None:
    table = tables.deliveries
    await connection.execute(
        update(table)
        .where(table.c.endpoint_id == endpoint_id, table.c.status == "pending")
        .values(status="skipped", next_attempt_at=None, lease=None, completed_at=func.now())
    )


async def pending(engine: AsyncEngine) -> int:
    """How many deliveries wait for an attempt."""
    query = select(func.count()).select_from(tables.deliveries).where(tables.deliveries.c.status == "pending")
    async with engine.connect() as connection:
        return int((await connection.execute(query)).scalar_one())
