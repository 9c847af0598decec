"""The relay: moves events from the outbox to Kafka, after the register in Redis knows what they tell.

One session of Postgres holds the locks of its shards, reads, and deletes; when it is lost, so are the locks, and
publishing stops. Whatever is killed when: rows go only after Kafka's acknowledgement, so nothing is lost; repeats are
harmless, for consumers apply a version once. Should a second relay publish an older event after a newer one, versions
put that right as well.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry.trace import SpanKind
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import tracing
from codeqr_common.health import Readiness
from codeqr_common.kafka.producers import KafkaUnavailable, Message, Publisher
from codeqr_common.kafka.sessions import keep_running, wait
from codeqr_common.logs import get_logger
from codeqr_common.metrics import Gauge
from link_api.outbox import entries, repository
from link_api.outbox.repository import SHARDS, OutboxRow
from link_api.outbox.write_through import WriteThrough

log = get_logger(__name__)
BATCH_ROWS = 500
IDLE_S = 0.02
LOCKS_EVERY_S = 1.0
MEASURE_EVERY_S = 5.0
REGISTER_EVERY_S = 1.0
KAFKA_RETRY_S = 0.5
FIRST_PUBLISH_LIMIT_S = 4.0
LAST_PUBLISH_LIMIT_S = 16.0
"""A client that has lost its broker may hang: it is given little time at first, more after each failure in a row."""
LAG_ROWS = Gauge("codeqr_link_api_outbox_lag_rows", "Events that wait in the outbox.")
LAG_AGE = Gauge("codeqr_link_api_outbox_lag_seconds", "How long the oldest event in the outbox has waited.")
HELD_SHARDS = Gauge("codeqr_link_api_outbox_held_shards", "Shards of the outbox that this relay holds.")


class LocksLost(Exception):
    """The session that holds the shards' locks is gone."""


class Relay:
    """Publishes the shards that it can lock; waits for those that another relay holds."""

    def __init__(
        self, engine: AsyncEngine, publisher: Publisher, write_through: WriteThrough, readiness: Readiness
    ) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._publisher = publisher
        self._write_through = write_through
        self._readiness = readiness
        self._publish_limit_s = FIRST_PUBLISH_LIMIT_S

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; a lost session is opened anew, with growing delays."""
        self._readiness.set("postgres", False)
        await keep_running("relay", lambda: self._hold(stop), stop)
        await self._publisher.close()

    async def _hold(self, stop: asyncio.Event) -> None:
        try:
            async with self._engine.connect() as connection:
                await self._relay_shards(_Session(connection, await _lost(connection)), stop)
        finally:
            HELD_SHARDS.set(0)
            self._readiness.set("postgres", False, "no session")

    async def _relay_shards(self, session: "_Session", stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                await session.lock_more()
                await session.measure()
                await self._register_late(session)
                self._readiness.set("postgres", True)
                rows = await repository.next_batch(session.connection, session.shards, BATCH_ROWS)
                if rows and not await self._relay(session, rows):
                    await wait(stop, KAFKA_RETRY_S)
                elif len(rows) < BATCH_ROWS:
                    await wait(stop, IDLE_S)
        finally:
            await session.close()

    async def _relay(self, session: "_Session", rows: Sequence[OutboxRow]) -> bool:
        """Register, then Kafka, then delete. False when Kafka did not acknowledge: the rows stay.

        The register comes first so that whoever sees the event finds Redis at least as new. Redis being away holds
        nothing up; what it did not take stays in the outbox and is put again, for it may have been stalled rather
        than restarted, and then it still holds the older entries.
        """
        registered = await self._put(rows)
        try:
            async with asyncio.timeout(self._publish_limit_s):
                await session.unless_lost(self._publisher.publish([_message(row) for row in rows]))
        except (KafkaUnavailable, TimeoutError) as error:
            self._publish_limit_s = min(self._publish_limit_s * 2, LAST_PUBLISH_LIMIT_S)
            self._readiness.set("kafka", False, "does not acknowledge")
            log.warning("events not published", rows=len(rows), error=f"{type(error).__name__}: {error}"[:300])
            return False
        self._publish_limit_s = FIRST_PUBLISH_LIMIT_S
        self._readiness.set("kafka", True)
        ids = [row.id for row in rows]
        await (repository.remove if registered else repository.mark_published)(session.connection, ids)
        return True

    async def _register_late(self, session: "_Session") -> None:
        """Once a second, put again what Redis did not take when it was published."""
        if not session.is_time_to_register():
            return
        rows = await repository.next_unregistered(session.connection, session.shards, BATCH_ROWS)
        if rows and await self._put(rows):
            await repository.remove(session.connection, [row.id for row in rows])

    async def _put(self, rows: Sequence[OutboxRow]) -> bool:
        return await self._write_through.put(entries.merged(entries.decode(row.register) for row in rows))


class _Session:
    """One connection, the shards whose locks it holds, and the news of its loss."""

    def __init__(self, connection: AsyncConnection, lost: asyncio.Event) -> None:
        self.connection = connection
        self.shards: list[int] = []
        self._lost = lost
        self._next_locks = 0.0
        self._next_measure = 0.0
        self._next_register = 0.0

    async def lock_more(self) -> None:
        """Once a second, try the shards that another relay held the last time."""
        if len(self.shards) == SHARDS or time.monotonic() < self._next_locks:
            return
        self._next_locks = time.monotonic() + LOCKS_EVERY_S
        missing = [shard for shard in range(SHARDS) if shard not in self.shards]
        won = [shard for shard in missing if await repository.try_lock(self.connection, shard)]
        if won:
            self.shards = sorted([*self.shards, *won])
            HELD_SHARDS.set(len(self.shards))
            log.info("shards locked", shards=self.shards)

    def is_time_to_register(self) -> bool:
        """True once a second."""
        if time.monotonic() < self._next_register:
            return False
        self._next_register = time.monotonic() + REGISTER_EVERY_S
        return True

    async def measure(self) -> None:
        """Every few seconds, set the gauges of the lag."""
        if time.monotonic() < self._next_measure:
            return
        self._next_measure = time.monotonic() + MEASURE_EVERY_S
        rows, since = await repository.waiting(self.connection)
        LAG_ROWS.set(rows)
        LAG_AGE.set((datetime.now(UTC) - since).total_seconds() if since else 0)

    async def unless_lost(self, work: Any) -> None:
        """Await `work`, or give it up with `LocksLost` as soon as the connection is gone."""
        working = asyncio.ensure_future(work)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait([working, lost], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise LocksLost("the connection to Postgres is gone")
            await working
        finally:
            lost.cancel()
            working.cancel()
            await asyncio.gather(working, lost, return_exceptions=True)

    async def close(self) -> None:
        """Close the connection itself, not just hand it back to the pool: the locks are its session's."""
        await self.connection.invalidate()


async def _lost(connection: AsyncConnection) -> asyncio.Event:
    """An event that is set when the driver's connection ends."""
    lost = asyncio.Event()
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    driver.add_termination_listener(lambda _connection: lost.set())
    return lost


def _message(row: OutboxRow) -> Message:
    """The row as a Kafka message, on behalf of the request that wrote it."""
    with tracing.span(f"publish {row.topic}", kind=SpanKind.PRODUCER, carrier=row.headers):
        headers = {**row.headers, **tracing.carrier()}
    return Message(row.topic, row.key.encode(), row.value, tracing.kafka_headers(headers))
