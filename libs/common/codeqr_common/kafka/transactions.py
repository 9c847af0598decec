"""Moving a log of our own into Kafka exactly once: records and the log's position in one transaction.

The position is the committed offset of a memberless group, named as the transactional id, on the first partition of
`spool.positions`. Starting the producer fences whoever held the id before and ends its open transaction; only then is
the position read, and only an answer that shows a write of this very session counts. Whatever fails, the session is
left and another opened, which goes on from the committed position.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from codeqr_common.kafka.admin import committed
from codeqr_common.kafka.sessions import discard
from codeqr_common.kafka.topics import SPOOL_POSITIONS
from codeqr_common.metrics import KAFKA_PUBLISHED

T = TypeVar("T")
POSITION = TopicPartition(SPOOL_POSITIONS, 0)
PROBE = TopicPartition(SPOOL_POSITIONS, 1)
PROBE_AGAIN_S = 0.1
START_LIMIT_S = 30.0
STEP_LIMIT_S = 20.0
"""On every await: aiokafka's producer does not come back from a lost broker by itself, its awaits then never end."""
TRANSACTION_TIMEOUT_MS = 10_000
"""How long a dead owner's open transaction holds readers of the partition back."""
MAX_BATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class Session:
    """One fenced producer. After any exception from `write` the session is over."""

    def __init__(self, producer: AIOKafkaProducer, group: str, position: int | None) -> None:
        self._producer = producer
        self._group = group
        self.position = position
        """What the last transaction committed; None when there never was one (or Kafka has forgotten it)."""

    async def write(self, topic: str, partition: int, entries: Sequence[Entry], position: int) -> None:
        """Write `entries` to one partition and move the position, both or neither.

        Returns when the transaction is committed. With no entries only the position is written.
        """
        producer = self._producer
        await _limited(producer.begin_transaction())
        for batch in _batches(producer, entries):
            acknowledged = await _limited(producer.send_batch(batch, topic, partition=partition))
            await _limited(acknowledged)
        await _limited(producer.send_offsets_to_transaction({POSITION: OffsetAndMetadata(position, "")}, self._group))
        await _limited(producer.commit_transaction())
        self.position = position
        KAFKA_PUBLISHED.labels(topic).inc(len(entries))

    async def partitions(self, topic: str) -> list[int]:
        """The partitions that `topic` has now."""
        return sorted(await _limited(self._producer.partitions_for(topic)))


class TransactionalWriter:
    """Opens sessions for one transactional id; at most one session of an id can write."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        self._bootstrap = bootstrap
        self._id = transactional_id

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Fence, read the position, and hand out the session. Raises `KafkaError`, `OSError` or `TimeoutError`."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            transactional_id=self._id,
            acks="all",
            compression_type="zstd",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=4 * MAX_BATCH_BYTES,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            request_timeout_ms=8_000,
        )
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await producer.start()
                position = await self._position(producer)
            yield Session(producer, self._id, position)
        finally:
            await discard(producer)

    async def _position(self, producer: AIOKafkaProducer) -> int | None:
        """The committed position as of now; None if there never was one.

        A broker that has just started may answer with an older offset, or with none at all, for a moment (measured on
        4.3, after `kill -9`: the log held the newest). So an offset that nobody else knows is committed first, and
        asked for until the answer has it: the group's offsets are one log, so the position is then as new.
        """
        probe = time.time_ns()
        await producer.begin_transaction()
        await producer.send_offsets_to_transaction({PROBE: OffsetAndMetadata(probe, "")}, self._id)
        await producer.commit_transaction()
        while True:
            found = await committed(self._bootstrap, self._id, [POSITION, PROBE])
            seen, position = found[PROBE], found[POSITION]
            if seen is not None and seen.offset == probe:
                return None if position is None else position.offset
            await asyncio.sleep(PROBE_AGAIN_S)


async def _limited(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(STEP_LIMIT_S):
        return await awaitable


def _batches(producer: AIOKafkaProducer, entries: Sequence[Entry]):  # type: ignore[no-untyped-def]
    batch = producer.create_batch()
    for entry in entries:
        if _append(batch, entry) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            if _append(batch, entry) is None:
                raise ValueError(f"a record of {len(entry.value)} bytes does not fit into a batch")
    if batch.record_count():
        batch.close()
        yield batch


def _append(batch, entry: Entry):  # type: ignore[no-untyped-def]
    return batch.append(key=entry.key, value=entry.value, timestamp=None, headers=list(entry.headers))
