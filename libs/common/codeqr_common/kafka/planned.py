"""A consumer for a store that has no transactions: each range of offsets is announced before it is stored.

For every batch the range is first committed as metadata of the group's offset (the plan, and the fence: who cannot
commit it must not store), then stored, then the offset moves past it. After a crash with a plan pending, the very
same range is read again, and of it just those offsets are stored that the store does not have.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from codeqr_common.health import Readiness
from codeqr_common.kafka.admin import cluster_id, committed
from codeqr_common.kafka.consumers import (
    Assignment,
    CommitFailed,
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
from codeqr_common.kafka.sessions import keep_running, wait
from codeqr_common.logs import get_logger

log = get_logger(__name__)
E_contra = TypeVar("E_contra", contravariant=True)
E = TypeVar("E")
RECOVERY_LIMIT_S = 60.0
LAST_OFFSET = (1 << 63) - 1
LINGER_S = 0.25
"""Between two batches that were not full: each costs two commits and a part in the store."""


class RangeStore(Protocol[E_contra]):
    """Where events go. `stream` is the Kafka cluster's id and the topic."""

    async def stored(self, stream: str, partition: int, start: int, end: int) -> set[int]:
        """Which offsets in `[start, end)` are there."""
        ...

    async def insert(self, stream: str, partition: int, events: Sequence[tuple[int, E_contra]]) -> None:
        """Store `(offset, event)` rows. May store some and fail."""
        ...


class Plan(msgspec.Struct, frozen=True):
    """The metadata of a committed offset: all from that offset up to `end` may or may not be stored."""

    end: int


class OffsetTooOld(Exception):
    """Kafka's answer is older than what is stored."""


class PlannedConsumer(Generic[E]):
    """Consumes `topics` in the group `consumer` into a `RangeStore`, each record once."""

    def __init__(
        self,
        *,
        bootstrap: str,
        consumer: str,
        topics: Sequence[str],
        decode: Callable[[bytes], E | None],
        store: RangeStore[E],
        readiness: Readiness,
        max_records: int = 10_000,
    ) -> None:
        self._bootstrap = bootstrap
        self._name = consumer
        self._topics = topics
        self._store = store
        self._pulse = Pulse()
        readiness.add(f"kafka consumer {consumer}", self._pulse.check)
        self._max_records = max_records
        self._publisher = Publisher(bootstrap)
        self._decoder = Decoder(decode, DeadLetters(self._publisher, consumer))
        self._cluster = ""
        self._pending: dict[TopicPartition, Plan] = {}
        self._committed: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; survives the loss of Kafka and of the store."""
        async with self._publisher:
            await keep_running(self._name, lambda: self._session(stop), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        self._cluster = await cluster_id(self._bootstrap)
        self._pending.clear()
        async with group_consumer(self._bootstrap, self._name, self._topics, self._position) as assignment:
            try:
                await self._consume(assignment, stop)
            finally:
                self._pulse.stop("no session with Kafka")

    async def _consume(self, assignment: Assignment, stop: asyncio.Event) -> None:
        watch = LagWatch(assignment, self._name)
        while not stop.is_set():
            if self._pending:
                self._pulse.stop("a plan is pending")
                await self._recover(assignment, min(self._pending))
                continue
            async with assignment.busy:
                records = await assignment.poll(self._max_records)
                self._pulse.beat()
                if records:
                    await self._take(assignment, records)
                else:
                    await self._follow(assignment)
            await watch.look()
            if sum(map(len, records.values())) < self._max_records:
                await wait(stop, LINGER_S)

    async def _take(self, assignment: Assignment, records: Records) -> None:
        ends = {partition: assignment.position(partition) for partition in records}
        plans = {
            partition: OffsetAndMetadata(rows[0].offset, msgspec.json.encode(Plan(ends[partition])).decode())
            for partition, rows in records.items()
        }
        await assignment.commit(plans)
        for partition, rows in sorted(records.items()):
            events = await self._decoder.events(rows)
            await self._insert(partition, [(record.offset, event) for record, event in events])
        await self._commit(assignment, ends)
        count(self._name, records)

    async def _follow(self, assignment: Assignment) -> None:
        """Move past transaction markers that came after the last record."""
        positions = assignment.positions()
        if moved := {at: end for at, end in positions.items() if at in self._committed and end > self._committed[at]}:
            await self._commit(assignment, moved)

    async def _commit(self, assignment: Assignment, ends: Mapping[TopicPartition, int]) -> None:
        await assignment.commit({partition: OffsetAndMetadata(end, "") for partition, end in ends.items()})
        self._committed.update(ends)

    async def _insert(self, partition: TopicPartition, events: Sequence[tuple[int, E]]) -> None:
        if events:
            await self._store.insert(self._stream(partition), partition.partition, events)

    async def _position(self, assignment: Assignment, partitions: Sequence[TopicPartition]) -> None:
        """Seek each partition to where its group stands, and note the plans that are pending."""
        starts = await assignment.beginnings(partitions)
        found = await committed(self._bootstrap, self._name, partitions)
        self._pending.clear()
        self._committed.clear()
        for partition in partitions:
            offset = found[partition] or OffsetAndMetadata(starts[partition], "")
            if offset.offset < starts[partition]:
                raise LogTruncated(
                    f"{partition} was stored up to {offset.offset}, its log begins at {starts[partition]}"
                )
            plan = msgspec.json.decode(offset.metadata, type=Plan) if offset.metadata else None
            await self._check_is_newest(partition, plan.end if plan else offset.offset)
            if plan is not None:
                self._pending[partition] = plan
            self._committed[partition] = offset.offset
            assignment.seek(partition, offset.offset)

    async def _check_is_newest(self, partition: TopicPartition, offset: int) -> None:
        """Nothing may be stored beyond what is committed: it would be stored again.

        A broker that has just started may answer with an older offset, or with none; then the next session finds the
        newest. Kafka that has forgotten the group for good needs somebody to look.
        """
        if await self._store.stored(self._stream(partition), partition.partition, offset, LAST_OFFSET):
            raise OffsetTooOld(f"{self._name} stands at {offset} of {partition}, yet records beyond it are stored")

    async def _recover(self, assignment: Assignment, partition: TopicPartition) -> None:
        """Read a pending plan's range again, store what is missing of it, and move past it.

        Of the other partitions nothing is taken meanwhile; they are positioned anew afterwards.
        """
        async with assignment.busy, asyncio.timeout(RECOVERY_LIMIT_S):
            plan = self._pending[partition]
            start = assignment.position(partition)
            stored = await self._store.stored(self._stream(partition), partition.partition, start, plan.end)
            missing = await self._fill(assignment, partition, plan, stored)
            await self._commit(assignment, {partition: plan.end})
            await self._position(assignment, sorted(assignment.held()))
        log.info("plan recovered", partition=str(partition), start=start, end=plan.end, missing=missing)

    async def _fill(self, assignment: Assignment, partition: TopicPartition, plan: Plan, stored: set[int]) -> int:
        """Read up to the plan's end and store the rows that are not in `stored`; how many they were."""
        missing = 0
        generation = assignment.generation
        while assignment.position(partition) < plan.end:
            records = await assignment.poll(self._max_records)
            if generation != assignment.generation:
                raise CommitFailed("the partitions were given anew in the middle of a recovery")
            rows = [row for row in records.get(partition, ()) if row.offset < plan.end]
            if rows:
                events = await self._decoder.events([row for row in rows if row.offset not in stored])
                await self._insert(partition, [(record.offset, event) for record, event in events])
                missing += len(events)
        return missing

    def _stream(self, partition: TopicPartition) -> str:
        return f"{self._cluster}/{partition.topic}"
