"""Takes due deliveries and attempts them, many at once, few to one endpoint."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.ids import new_id
from codeqr_common.logs import get_logger
from webhooks import metrics
from webhooks.delivery import repository
from webhooks.delivery.attempts import Attempt, DueDelivery
from webhooks.delivery.schedule import Gone, Outcome, outcome_of
from webhooks.delivery.sender import Sender

log = get_logger(__name__)
IDLE_S = 0.05
"""How long nothing is asked for after nothing was due."""
ROOM_S = 0.005
LEASE_MARGIN_S = 10.0
"""What a lease lasts longer than an attempt can: the time to record it."""
DRAIN_S = 10.0
LAST_DELAY_S = 2.0


@dataclass(frozen=True)
class Limits:
    """Attempts under way at once, in all and to one endpoint, and how long one may take."""

    attempts: int
    per_endpoint: int
    timeout_s: float

    @property
    def lease_s(self) -> float:
        return self.timeout_s + LEASE_MARGIN_S


class Worker:
    """Works off what is due. Several may run: each due delivery is leased to one of them."""

    def __init__(self, engine: AsyncEngine, sender: Sender, delays_s: Sequence[float], limits: Limits) -> None:
        self._engine = engine
        self._sender = sender
        self._delays_s = delays_s
        self._limits = limits
        self._running: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        """Set when something due may have been left for want of room, and now there is some."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let the attempts under way end. Survives the loss of the database."""
        delay = IDLE_S
        while not stop.is_set():
            try:
                taken = await self._take()
            except Exception as error:
                delay = min(delay * 2, LAST_DELAY_S)
                log.warning("due deliveries not readable", error=f"{type(error).__name__}: {error}"[:300])
                await _wait(stop, delay * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
                continue
            delay = IDLE_S
            if not taken:
                await self._idle()
        await self._drain()

    async def _idle(self) -> None:
        """Wait a little, less when there is room again; then a moment, so that one question serves several attempts."""
        await _wait(self._room, IDLE_S)
        await asyncio.sleep(ROOM_S)
        self._room.clear()

    async def _take(self) -> int:
        """Start attempts of what is due and within the limits; how many."""
        free = self._limits.attempts - len(self._tasks)
        if free <= 0:
            return 0
        async with self._engine.begin() as connection:
            due = await repository.take_due(
                connection,
                lease=new_id("lease"),
                lease_s=self._limits.lease_s,
                running=dict(self._running),
                per_endpoint=self._limits.per_endpoint,
                free=free,
            )
        for delivery in due:
            self._start(delivery)
        return len(due)

    def _start(self, delivery: DueDelivery) -> None:
        self._running[delivery.endpoint_id] += 1
        task = asyncio.create_task(self._attempt(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, delivery: DueDelivery) -> None:
        lapses = asyncio.get_running_loop().time() + self._limits.lease_s
        try:
            attempt = await self._sender.send(delivery)
            answer = attempt.answer
            jitter = random.uniform(-1, 1)  # noqa: S311 - spreads load, keeps no secret
            outcome = outcome_of(answer.status, answer.retry_after_s, delivery.attempts, self._delays_s, jitter)
            _report(delivery, attempt, outcome)
            await self._record(delivery, attempt, outcome, lapses)
        except Exception:
            log.exception("attempt broken off", delivery_id=delivery.id)
        finally:
            self._end(delivery.endpoint_id)

    def _end(self, endpoint_id: str) -> None:
        if self._running[endpoint_id] >= self._limits.per_endpoint or len(self._tasks) >= self._limits.attempts:
            self._room.set()
        self._running[endpoint_id] -= 1
        if not self._running[endpoint_id]:
            del self._running[endpoint_id]

    async def _record(self, delivery: DueDelivery, attempt: Attempt, outcome: Outcome, lapses: float) -> None:
        """Record, again and again while the lease holds: after that the delivery is somebody's again."""
        delay = IDLE_S
        while True:
            try:
                async with self._engine.begin() as connection:
                    await repository.record(connection, delivery, attempt, outcome)
                return
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"[:300]
                if asyncio.get_running_loop().time() > lapses:
                    log.error("attempt not recorded, to be repeated", delivery_id=delivery.id, error=reason)
                    return
                log.warning("attempt not recorded yet", delivery_id=delivery.id, error=reason)
            await asyncio.sleep(delay * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
            delay = min(delay * 2, LAST_DELAY_S)

    async def _drain(self) -> None:
        """Let attempts end; one that takes too long is given up, and repeated when its lease runs out."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=DRAIN_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _report(delivery: DueDelivery, attempt: Attempt, outcome: Outcome) -> None:
    kind = type(outcome).__name__.lower()
    metrics.ATTEMPTS.labels(kind).inc()
    metrics.ATTEMPT_DURATION.observe(attempt.duration_ms / 1000)
    log.info(
        "attempt",
        outcome=kind,
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        webhook_event=delivery.trigger,
        status=attempt.answer.status,
        error=attempt.answer.error,
        ms=attempt.duration_ms,
    )
    if isinstance(outcome, Gone):
        log.warning("endpoint disabled", endpoint_id=delivery.endpoint_id, reason=repository.GONE_REASON)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        pass
