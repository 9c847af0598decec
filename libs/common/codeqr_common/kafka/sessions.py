"""Kafka clients that fail are thrown away and made anew: the one loop that does it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from codeqr_common.logs import get_logger
from codeqr_common.metrics import KAFKA_RESTARTS

log = get_logger(__name__)
FIRST_DELAY_S = 0.2
LAST_DELAY_S = 5.0
HEALTHY_S = 30.0
CLOSE_LIMIT_S = 5.0


class Client(Protocol):
    async def stop(self) -> None: ...


async def discard(client: Client) -> None:
    """Close a client of which nothing is expected any more; never raises, never hangs."""
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait([stopping], timeout=CLOSE_LIMIT_S)
    if not done:
        stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)


async def wait(stop: asyncio.Event, seconds: float) -> bool:
    """Wait until `stop` is set (True) or the time is over (False)."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _is_ours(error: BaseException) -> bool:
    """Whether a cancellation is meant for this task: aiokafka lets those of its own inner tasks out, too."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def keep_running(name: str, session: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Run `session` again and again until `stop` is set, with a growing, jittered delay after failures.

    A session that lasted 30 s counts as healthy and resets the delay. Failures are logged, never raised: whatever
    broke (broker, database, network) may be back at the next try, and the session goes on from where it stood.
    """
    delay = FIRST_DELAY_S
    while not stop.is_set():
        began = time.monotonic()
        try:
            await session()
        except (Exception, asyncio.CancelledError) as error:
            if _is_ours(error):
                raise
            KAFKA_RESTARTS.labels(name).inc()
            log.warning("session ended", client=name, error=f"{type(error).__name__}: {error}"[:500])
            log.debug("session ended", client=name, exc_info=error)
        if time.monotonic() - began > HEALTHY_S:
            delay = FIRST_DELAY_S
        if stop.is_set() or await wait(stop, delay * random.uniform(0.75, 1.25)):  # noqa: S311 - jitter
            return
        delay = min(delay * 2, LAST_DELAY_S)
