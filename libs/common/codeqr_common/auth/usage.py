"""How much each key is used: counted in the process, reported every few seconds.

A process that is killed takes the last few seconds of its counts with it: the figure is for people, nothing is decided
by it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from codeqr_common import metrics
from codeqr_common.http.internal import InternalClient
from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger

log = get_logger(__name__)
REPORT_EVERY_S = 5.0
LOST = metrics.Counter("codeqr_key_usage_lost_total", "Requests that could not be reported as a key's usage.")
MOST_KEPT = 100_000

Report = Callable[[Mapping[str, int]], Awaitable[None]]
"""Takes requests by key id. Raises when they could not be stored."""


class KeyUsage:
    """Requests by key id since the last report."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._counts: Counter[str] = Counter()

    @property
    def waiting(self) -> Mapping[str, int]:
        """What is not yet reported."""
        return self._counts

    def note(self, key_id: str) -> None:
        """One more authenticated request of this key."""
        self._counts[key_id] += 1

    async def run(self, stop: asyncio.Event) -> None:
        """Report until `stop` is set, and once more then."""
        while not stop.is_set():
            await wait(stop, REPORT_EVERY_S)
            await self._flush()

    async def _flush(self) -> None:
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._report(counts)
        except Exception as error:
            log.warning("key usage not reported", keys=len(counts), error=f"{type(error).__name__}: {error}"[:300])
            self._keep(counts)

    def _keep(self, counts: Counter[str]) -> None:
        """Take counts back for the next report, unless that would grow without end."""
        if len(self._counts) + len(counts) > MOST_KEPT:
            LOST.inc(counts.total())
        else:
            self._counts.update(counts)


def remote_report(link_api: InternalClient) -> Report:
    """Reports to link-api's internal listener."""

    async def report(counts: Mapping[str, int]) -> None:
        await link_api.post("/internal/keys/usage", {"requests": dict(counts)})

    return report
