"""A consumer whose position is in Postgres and moves in the same transaction as its effect: exactly once.

A stale owner's transaction finds another position than it expects and changes nothing. Kafka's own offsets follow
after, for lag metrics only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common.health import Readiness
from codeqr_common.kafka.admin import cluster_id
from codeqr_common.kafka.consumers import (
    Assignment,
    Decoder,
    LagWatch,
    LogTruncated,
    Pulse,
    Records,
    count,
    group_consumer,
)
from codeqr_common.kafka.dead_letters import DeadLetters
from codeqr_common.kafka.producers import Publisher
from codeqr_common.kafka.sessions import keep_running

E = TypeVar("E")
T = TypeVar("T")
COMMIT_EVERY_S = 2.0


class PositionLost(Exception):
    """The stored position is not where this owner left it: somebody else has taken over."""


class StoredOffsetsConsumer(Generic[E, T]):
    """Consumes `topics` under the name `consumer` into one Postgres database.

    For each batch, `prepare` gets `(record, event)` pairs outside any transaction (it may ask other services and may
    take long), and `apply` gets what `prepare` returned inside the transaction that moves the positions. Both may be
    called again with the same events after a failure, as long as that transaction has not committed.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        consumer: str,
        topics: Sequence[str],
        decode: Callable[[bytes], E | None],
        engine: AsyncEngine,
        offsets: Table,
        prepare: Callable[[Sequence[tuple[ConsumerRecord, E]]], Awaitable[T]],
        apply: Callable[[AsyncConnection, T], Awaitable[None]],
        readiness: Readiness,
        max_records: int = 2000,
    ) -> None:
        self._bootstrap = bootstrap
        self._name = consumer
        self._topics = topics
        self._engine = engine
        self._offsets = offsets
        self._prepare = prepare
        self._apply = apply
        self._pulse = Pulse()
        readiness.add(f"kafka consumer {consumer}", self._pulse.check)
        self._max_records = max_records
        self._publisher = Publisher(bootstrap)
        self._decoder = Decoder(decode, DeadLetters(self._publisher, consumer))
        self._cluster = ""
        self._expected: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; survives the loss of Kafka and of Postgres."""
        async with self._publisher:
            await keep_running(self._name, lambda: self._session(stop), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        self._cluster = await cluster_id(self._bootstrap)
        async with group_consumer(self._bootstrap, self._name, self._topics, self._position) as assignment:
            try:
                await self._consume(assignment, stop)
            finally:
                self._pulse.stop("no session with Kafka")

    async def _consume(self, assignment: Assignment, stop: asyncio.Event) -> None:
        watch = LagWatch(assignment, self._name)
        clock = asyncio.get_running_loop().time
        behind: dict[TopicPartition, OffsetAndMetadata] = {}
        next_commit = clock() + COMMIT_EVERY_S
        while not stop.is_set():
            async with assignment.busy:
                records = await assignment.poll(self._max_records)
                self._pulse.beat()
                ends = {at: end for at, end in assignment.positions().items() if end > self._expected[at]}
                if ends:
                    await self._take(records, ends)
                    behind.update({at: OffsetAndMetadata(end, "") for at, end in ends.items()})
            await watch.look()
            if behind and clock() >= next_commit:
                await self._follow(assignment, behind)
                next_commit = clock() + COMMIT_EVERY_S
        await self._follow(assignment, behind)

    async def _take(self, records: Records, ends: Mapping[TopicPartition, int]) -> None:
        """Apply the records and move to `ends`; those of quiet partitions lie behind transaction markers only."""
        pairs = [pair for rows in records.values() for pair in await self._decoder.events(rows)]
        prepared = await self._prepare(pairs)
        async with self._engine.begin() as connection:
            for partition, end in sorted(ends.items()):
                await self._move(connection, partition, end)
            await self._apply(connection, prepared)
        self._expected.update(ends)
        count(self._name, records)

    async def _follow(self, assignment: Assignment, behind: dict[TopicPartition, OffsetAndMetadata]) -> None:
        held = assignment.held()
        if mine := {partition: offset for partition, offset in behind.items() if partition in held}:
            await assignment.commit(mine)
        behind.clear()

    async def _position(self, assignment: Assignment, partitions: Sequence[TopicPartition]) -> None:
        """Seek each partition to its stored position; one that has none yet begins with the log."""
        starts = await assignment.beginnings(partitions)
        async with self._engine.begin() as connection:
            for partition in partitions:
                stored = await self._stored(connection, partition, starts[partition])
                self._expected[partition] = stored
                assignment.seek(partition, stored)

    async def _stored(self, connection: AsyncConnection, partition: TopicPartition, start: int) -> int:
        table = self._offsets
        mine = self._key(partition)
        await connection.execute(insert(table).values(**mine, next=start).on_conflict_do_nothing())
        stored = int((await connection.execute(select(table.c.next).where(*self._where(partition)))).scalar_one())
        if stored < start:
            raise LogTruncated(f"{self._name} stands at {stored} of {partition}, its log begins at {start}")
        return stored

    async def _move(self, connection: AsyncConnection, partition: TopicPartition, following: int) -> None:
        """Lock the position and move it from where this owner left it."""
        table = self._offsets
        stored = (
            await connection.execute(select(table.c.next).where(*self._where(partition)).with_for_update())
        ).scalar_one_or_none()
        expected = self._expected[partition]
        if stored != expected:
            raise PositionLost(f"{self._name} {partition}: stored {stored}, expected {expected}")
        await connection.execute(table.update().where(*self._where(partition)).values(next=following))

    def _key(self, partition: TopicPartition) -> dict[str, str | int]:
        return {
            "consumer": self._name,
            "stream": f"{self._cluster}/{partition.topic}",
            "partition": partition.partition,
        }

    def _where(self, partition: TopicPartition):  # type: ignore[no-untyped-def]
        return [self._offsets.c[name] == value for name, value in self._key(partition).items()]
