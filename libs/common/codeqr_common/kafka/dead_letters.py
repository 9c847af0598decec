"""What a consumer cannot parse goes to its dead-letter topic, with the reason; too much of it stops the consumer."""

import time
from collections import deque

from aiokafka import ConsumerRecord

from codeqr_common.kafka.producers import Message, Publisher
from codeqr_common.kafka.topics import dead_letters
from codeqr_common.logs import get_logger
from codeqr_common.metrics import DEAD_LETTERS

log = get_logger(__name__)
HOUR_S = 3600.0


class TooManyDeadLetters(Exception):
    """More than the limit within an hour: something is wrong with us, not with the records."""


class DeadLetters:
    """Sends records away. At least once: a record may be there twice if the consumer dies before its commit."""

    def __init__(self, publisher: Publisher, consumer: str, *, limit: int = 1000) -> None:
        """`limit`: how many an hour are borne."""
        self._publisher = publisher
        self._consumer = consumer
        self._limit = limit
        self._sent: deque[float] = deque()

    async def send(self, record: ConsumerRecord, reason: str) -> None:
        """Return when Kafka has it. Raises `TooManyDeadLetters` or `KafkaUnavailable`; the record then stays unread."""
        self._count()
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        headers = [*record.headers, ("reason", reason.encode()[:1000]), ("origin", origin.encode())]
        message = Message(dead_letters(self._consumer), record.key or b"", record.value or b"", headers)
        await self._publisher.publish([message])
        DEAD_LETTERS.labels(self._consumer, record.topic).inc()
        log.error("dead letter", consumer=self._consumer, origin=origin, reason=reason)

    def _count(self) -> None:
        now = time.monotonic()
        while self._sent and self._sent[0] < now - HOUR_S:
            self._sent.popleft()
        if len(self._sent) >= self._limit:
            raise TooManyDeadLetters(f"{self._consumer}: {self._limit} within an hour")
        self._sent.append(now)
