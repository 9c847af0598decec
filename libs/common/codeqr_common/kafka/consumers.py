"""What every consumer with a group shares: its client, its assignment, its offsets, its dead letters.

Commits are made here and nowhere else. aiokafka repeats a failed commit under the *new* generation, so that an old
owner's commit could overwrite the new owner's: on revocation the commit in flight is cancelled and awaited, and after
any error in a commit the client is closed and made anew.
"""

import asyncio
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from codeqr_common.kafka.dead_letters import DeadLetters
from codeqr_common.kafka.sessions import discard, wait
from codeqr_common.metrics import KAFKA_CONSUMED, KAFKA_LAG

E = TypeVar("E")
Position = Callable[["Assignment", Sequence[TopicPartition]], Awaitable[None]]
Records = Mapping[TopicPartition, Sequence[ConsumerRecord]]
START_LIMIT_S = 30.0
COMMIT_LIMIT_S = 10.0
POLL_MS = 250


class LogTruncated(Exception):
    """Records were deleted from the log before they were read. Somebody must look."""


class CommitFailed(Exception):
    """Offsets may or may not be committed; this client must not be used any more."""


@asynccontextmanager
async def group_consumer(
    bootstrap: str, group: str, topics: Sequence[str], position: "Position"
) -> AsyncIterator["Assignment"]:
    """A consumer in `group` that reads committed records of `topics` from where `position` seeks to."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # only until `Assignment` has positioned it
        isolation_level="read_committed",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
        rebalance_timeout_ms=30_000,
        request_timeout_ms=12_000,
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=100,
        metadata_max_age_ms=30_000,
    )
    assignment = Assignment(consumer, position)
    consumer.subscribe(topics, listener=assignment)
    try:
        await asyncio.wait_for(consumer.start(), START_LIMIT_S)
        yield assignment
    finally:
        await discard(consumer)


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A consumer's partitions: positions them, polls them, commits for them.

    `position` is called with this object and the new partitions, and must `seek` each of them. What it raises ends the
    session at the next `poll`: aiokafka by itself would log it and read on from somewhere.
    """

    def __init__(self, consumer: AIOKafkaConsumer, position: "Position") -> None:
        self._consumer = consumer
        self._position = position
        self._commit: asyncio.Task[None] | None = None
        self._fetch: asyncio.Task[Records] | None = None
        self._failed: Exception | None = None
        self.generation = 0
        """Changes whenever partitions are given or taken."""
        self._positioned = asyncio.Event()
        self._next: dict[TopicPartition, int] = {}
        self.busy = asyncio.Lock()
        """Held while a batch takes effect: partitions are given up between batches only."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.generation += 1
        self._positioned.clear()
        # A fetch in flight would wait, without a limit, for the assignment that waits for the end of this.
        for task in (self._fetch, self._commit):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        async with self.busy:
            pass

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        try:
            await self._place(assigned)
        except CancelledError:
            self._failed = ConnectionError("positioning was cut off")
            raise
        except Exception as error:
            self._failed = error
        finally:
            self.generation += 1
            self._positioned.set()

    async def _place(self, partitions: Collection[TopicPartition]) -> None:
        self._next.clear()
        await self._position(self, sorted(partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from `offset`."""
        self._consumer.seek(partition, offset)
        self._next[partition] = offset

    async def poll(self, max_records: int) -> Records:
        """The next records, fetched wholly under one positioned assignment; often none.

        aiokafka fetches as soon as it has an assignment, from positions of its own choice. Raises what kept the
        consumer from being positioned, and `LogTruncated`.
        """
        if not self._positioned.is_set():
            await wait(self._positioned, POLL_MS / 1000)
            return {}
        generation = self.generation
        records = await self._records(max_records)
        if self._failed is not None:
            raise self._failed
        if generation != self.generation:
            if self._positioned.is_set():
                await self._place(self._consumer.assignment())
            return {}
        positions = await self._positions()
        await self._check_gaps(records, positions)
        self._next.update(positions)
        return records

    async def _positions(self) -> dict[TopicPartition, int]:
        """Behind what was given out, and behind the transaction markers that follow it."""
        async with asyncio.timeout(COMMIT_LIMIT_S):
            return {partition: await self._consumer.position(partition) for partition in list(self._next)}

    async def _records(self, max_records: int) -> Records:
        """What aiokafka has fetched; nothing when the partitions are revoked meanwhile."""
        self._fetch = asyncio.ensure_future(self._consumer.getmany(timeout_ms=POLL_MS, max_records=max_records))
        try:
            await asyncio.wait([self._fetch])
            return {} if self._fetch.cancelled() else self._fetch.result()
        finally:
            self._fetch.cancel()
            self._fetch = None

    async def _check_gaps(self, records: Records, positions: dict[TopicPartition, int]) -> None:
        """Transaction markers leave gaps between offsets; so does a log that was deleted before it was read."""
        firsts = positions | {partition: rows[0].offset for partition, rows in records.items()}
        gaps = [partition for partition, first in firsts.items() if first > self._next[partition]]
        if not gaps:
            return
        for partition, start in (await self.beginnings(gaps)).items():
            if start > self._next[partition]:
                raise LogTruncated(f"{partition} was read up to {self._next[partition]}, its log begins at {start}")

    async def beginnings(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that the log still has, of each partition."""
        async with asyncio.timeout(COMMIT_LIMIT_S):
            found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(list(partitions))
        return found

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset behind the last committed record, of each partition."""
        async with asyncio.timeout(COMMIT_LIMIT_S):
            found: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return found

    def position(self, partition: TopicPartition) -> int:
        """Everything before this offset was given by `poll`. Lies behind transaction markers: in a quiet partition the
        log may in time begin behind the last one."""
        return self._next[partition]

    def positions(self) -> dict[TopicPartition, int]:
        """`position` of each partition that is ours."""
        return dict(self._next)

    def held(self) -> set[TopicPartition]:
        """The partitions that are ours at the moment."""
        return set(self._consumer.assignment())

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Commit, or raise `CommitFailed`: then leave the session. A commit is never tried twice."""
        self._commit = asyncio.ensure_future(self._consumer.commit(dict(offsets)))
        try:
            done, _ = await asyncio.wait([self._commit], timeout=COMMIT_LIMIT_S)
            if not done:
                self._commit.cancel()
                await asyncio.gather(self._commit, return_exceptions=True)
                raise CommitFailed(f"no answer within {COMMIT_LIMIT_S:g} s")
            if self._commit.cancelled():
                raise CommitFailed("the partitions were revoked meanwhile")
            if error := self._commit.exception():
                raise CommitFailed(f"{type(error).__name__}: {error}") from error
        finally:
            self._commit = None


class Decoder(Generic[E]):
    """Turns records into events; what it cannot parse becomes a dead letter, what it need not know is left out."""

    def __init__(self, decode: Callable[[bytes], E | None], dead_letters: DeadLetters) -> None:
        """`decode` returns None for a kind of event that this code does not know, and raises for what is no event."""
        self._decode = decode
        self._dead_letters = dead_letters

    async def events(self, records: Sequence[ConsumerRecord]) -> list[tuple[ConsumerRecord, E]]:
        """The events of `records`, each with its record, in order."""
        found: list[tuple[ConsumerRecord, E]] = []
        for record in records:
            try:
                event = self._decode(record.value or b"")
            except (ValueError, msgspec.MsgspecError) as error:
                await self._dead_letters.send(record, f"{type(error).__name__}: {error}")
                continue
            if event is not None:
                found.append((record, event))
        return found


class Pulse:
    """Whether a consumer is alive: for readiness."""

    LIMIT_S = 30.0

    def __init__(self) -> None:
        self._reason: str | None = "not yet"
        self._at = 0.0

    def beat(self) -> None:
        """A poll has come back, and what it gave is being taken."""
        self._reason, self._at = None, time.monotonic()

    def stop(self, reason: str) -> None:
        """Nothing is consumed at the moment."""
        self._reason = reason

    async def check(self) -> None:
        """Raise when nothing is consumed, or nothing has come back for 30 s."""
        if self._reason is not None:
            raise ConnectionError(self._reason)
        if time.monotonic() - self._at > self.LIMIT_S:
            raise TimeoutError(f"no poll for {self.LIMIT_S:g} s")


class LagWatch:
    """Measures the lag every few seconds, and by that notices a client that has lost its brokers for good."""

    EVERY_S = 5.0

    def __init__(self, assignment: Assignment, name: str) -> None:
        self._assignment = assignment
        self._name = name
        self._next = 0.0

    async def look(self) -> None:
        """Raises `TimeoutError` or `KafkaError` when the brokers do not answer."""
        now = asyncio.get_running_loop().time()
        if now < self._next:
            return
        self._next = now + self.EVERY_S
        positions = self._assignment.positions()
        for partition, end in (await self._assignment.ends(sorted(positions))).items():
            lag = max(0, end - positions[partition])
            KAFKA_LAG.labels(self._name, partition.topic, str(partition.partition)).set(lag)


def count(name: str, records: Records) -> None:
    """Note records whose effect is committed."""
    for partition, rows in records.items():
        KAFKA_CONSUMED.labels(name, partition.topic).inc(len(rows))
