"""How long a click waits for a link that nobody knows: the link was deleted, and the news of it is on its way to us."""

import time

from codeqr_common.health import Readiness
from codeqr_common.kafka.topics import LINK_DISPATCHER
from codeqr_common.times import now_ms

PATIENCE_S = 30.0
"""The wait while deletions reach us as they happen."""
LATE_PATIENCE_S = 600.0
"""The wait in all, when they are late."""
LATE_EVENT_MS = 10_000
"""An event of this age, at the moment it is taken, shows that the consumer is behind."""


class DeletionNews:
    """Whether this process hears of deletions in time. Of partitions that other processes hold it knows nothing."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness
        self._late_at: float | None = None

    def took(self, event_ms: int) -> None:
        """An event of that time (milliseconds since the epoch) is being taken."""
        if now_ms() - event_ms > LATE_EVENT_MS:
            self._late_at = time.monotonic()

    async def late_at(self) -> float | None:
        """When, on the monotonic clock, the link consumer was last seen behind or without a session."""
        if f"kafka consumer {LINK_DISPATCHER}" in await self._readiness.missing():
            self._late_at = time.monotonic()
        return self._late_at


def patience_is_over(now: float, since: float, late_at: float | None) -> bool:
    """Whether to give up links that nobody has known since `since`, when deletions were last late at `late_at`."""
    in_time_since = since if late_at is None else max(since, late_at)
    return now > min(in_time_since + PATIENCE_S, since + LATE_PATIENCE_S)
