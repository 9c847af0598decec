"""Publishing that is acknowledged or known to have failed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from codeqr_common.kafka.sessions import discard
from codeqr_common.metrics import KAFKA_PUBLISHED

START_LIMIT_S = 15.0
PUBLISH_LIMIT_S = 20.0
MAX_REQUEST_BYTES = 4 << 20


class KafkaUnavailable(Exception):
    """Kafka did not acknowledge in time. Some of the messages may be there all the same."""


@dataclass(frozen=True)
class Message:
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Publisher:
    """Publishes batches with acks=all by an idempotent producer, which it makes anew after any error.

    The idempotence is one client's: after an error the caller repeats the batch, so consumers must bear repeats.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when Kafka has acknowledged all of them; raise `KafkaUnavailable` otherwise."""
        try:
            async with asyncio.timeout(PUBLISH_LIMIT_S):
                producer = await self._connected()
                sent = [
                    await producer.send(message.topic, message.value, key=message.key, headers=message.headers)
                    for message in messages
                ]
                await asyncio.gather(*sent)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise KafkaUnavailable(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await self.close()
            raise
        for message in messages:
            KAFKA_PUBLISHED.labels(message.topic).inc()

    async def close(self) -> None:
        """Throw the present client away. The next `publish` makes another."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await discard(producer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                max_request_size=MAX_REQUEST_BYTES,
                request_timeout_ms=10_000,
            )
            try:
                await asyncio.wait_for(producer.start(), START_LIMIT_S)
            except BaseException:
                await discard(producer)
                raise
            self._producer = producer
        return self._producer
