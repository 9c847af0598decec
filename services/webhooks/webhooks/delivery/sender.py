"""One attempt: a signed POST, its answer, and nothing that an answer asks for."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.resolver import AsyncResolver
from opentelemetry.trace import SpanKind
from yarl import URL

from codeqr_common import tracing
from codeqr_common.times import now_ms
from webhooks.delivery.attempts import Answer, Attempt, DueDelivery
from webhooks.delivery.network import guarded_connector
from webhooks.delivery.schedule import RETRY_AFTER_STATUSES, retry_after_s
from webhooks.delivery.signing import signature_headers
from webhooks.settings import Network

USER_AGENT = "CodeQR-Webhooks/1.0"
ANSWER_BYTES = 2048


class Sender:
    """Makes attempts. Knows no proxy, keeps no cookies, follows no redirects, unpacks no answers."""

    def __init__(self, *, allowed: Sequence[Network], timeout_s: float, connections: int) -> None:
        self._allowed = allowed
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=guarded_connector(AsyncResolver(), self._allowed, self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, delivery: DueDelivery) -> Attempt:
        """Attempt the delivery once. Whatever goes wrong is its answer: each attempt is to be recorded."""
        carrier = {"traceparent": delivery.traceparent} if delivery.traceparent else None
        attributes = {"webhook.event": delivery.trigger, "webhook.event_id": delivery.event_id}
        with tracing.span("webhook attempt", kind=SpanKind.CLIENT, carrier=carrier, attributes=attributes):
            started_at, began = now_ms(), time.perf_counter()
            answer = await self._post(delivery, started_at // 1000)
            duration_ms = round((time.perf_counter() - began) * 1000)
            return Attempt(started_at=started_at, duration_ms=duration_ms, answer=answer)

    async def _post(self, delivery: DueDelivery, timestamp: int) -> Answer:
        assert self._session is not None  # noqa: S101 - used as a context manager
        try:
            async with self._session.post(
                URL(delivery.url), data=delivery.body, headers=_headers(delivery, timestamp), allow_redirects=False
            ) as response:
                return await _answer_of(response)
        except TimeoutError:
            return Answer(error=f"no answer within {self._timeout.total:g} s")
        except Exception as error:
            return Answer(error=f"{type(error).__name__}: {error}"[:1000])


def _headers(delivery: DueDelivery, timestamp: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        **signature_headers(delivery.secret, delivery.event_id, timestamp, delivery.body),
        **tracing.carrier(),
    }


async def _answer_of(response: aiohttp.ClientResponse) -> Answer:
    """The answer stands with its status: a body that breaks off or drips does not change it."""
    body = bytearray()
    try:
        while len(body) < ANSWER_BYTES and (chunk := await response.content.read(ANSWER_BYTES - len(body))):
            body += chunk
    except (aiohttp.ClientError, OSError, TimeoutError):
        pass
    return Answer(status=response.status, body=bytes(body), retry_after_s=_wait_asked_for(response))


def _wait_asked_for(response: aiohttp.ClientResponse) -> float | None:
    if response.status not in RETRY_AFTER_STATUSES:
        return None
    return retry_after_s(response.headers.get("Retry-After"), time.time())
