"""Follows `link.events` from the end, so that a change is seen at once however hot the link is."""

import asyncio
import time
from collections.abc import Callable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from codeqr_common.events.links import DomainEvent, LinkEvent, decode_link_event
from codeqr_common.kafka.admin import admin_client
from codeqr_common.kafka.sessions import discard, keep_running
from codeqr_common.kafka.topics import LINK_EVENTS
from codeqr_common.logs import get_logger
from redirector import metrics

log = get_logger(__name__)
STEP_LIMIT_S = 5.0
POLL_MS = 250
PROVE_S = 1.0
"""How often it is proved that the broker still answers: a consumer of aiokafka stays silent when it does not."""


class Follower:
    """Hands each event to `apply`. `positioned` is called each time it begins to follow: before that, events may have
    been missed."""

    def __init__(
        self,
        bootstrap: str,
        apply: Callable[[LinkEvent | DomainEvent], None],
        positioned: Callable[[], None],
    ) -> None:
        self._bootstrap = bootstrap
        self._apply = apply
        self._positioned = positioned
        self.following = False

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; reconnects by itself."""
        await keep_running("link events follower", lambda: self._session(stop), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=POLL_MS,
            request_timeout_ms=int(STEP_LIMIT_S * 1000),
        )
        try:
            await asyncio.wait_for(consumer.start(), STEP_LIMIT_S)
            partitions = await self._to_the_end(consumer)
            self._set_following(True)
            self._positioned()
            await self._follow(consumer, partitions, stop)
        finally:
            self._set_following(False)
            await discard(consumer)

    async def _to_the_end(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        partitions = await self._partitions()
        consumer.assign(partitions)
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), STEP_LIMIT_S)
        for partition, end in ends.items():
            consumer.seek(partition, end)
        return partitions

    async def _partitions(self) -> list[TopicPartition]:
        async with admin_client(self._bootstrap) as admin:
            topics = await admin.describe_topics([LINK_EVENTS])
        numbers = sorted(row["partition"] for topic in topics for row in topic["partitions"])
        if not numbers:
            raise KafkaError(f"there is no topic {LINK_EVENTS}")
        return [TopicPartition(LINK_EVENTS, number) for number in numbers]

    async def _follow(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], stop: asyncio.Event) -> None:
        proved = time.monotonic()
        while not stop.is_set():
            fetched = await asyncio.wait_for(consumer.getmany(timeout_ms=POLL_MS), STEP_LIMIT_S)
            for records in fetched.values():
                for record in records:
                    self._take(record.value)
            if fetched:
                proved = time.monotonic()
            elif time.monotonic() - proved > PROVE_S:
                await asyncio.wait_for(consumer.end_offsets(partitions), STEP_LIMIT_S)
                proved = time.monotonic()
                if len(consumer.partitions_for_topic(LINK_EVENTS) or partitions) != len(partitions):
                    raise KafkaError(f"the partitions of {LINK_EVENTS} have changed")

    def _take(self, value: bytes | None) -> None:
        try:
            event = decode_link_event(value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("an event cannot be read: entries may be old until their time is over", error=str(error))
            return
        if event is not None:
            self._apply(event)

    def _set_following(self, following: bool) -> None:
        self.following = following
        metrics.FOLLOWING.set(following)
