"""The daily salts, fetched from link-api and forgotten in time."""

import time
from collections.abc import Iterable

from codeqr_common.http.internal import InternalClient, NotFound
from redirector.clicks.visitors import is_destroyed, utc_day

ABSENT_S = 60.0


class Salts:
    """Salts by UTC day."""

    def __init__(self, link_api: InternalClient) -> None:
        self._link_api = link_api
        self._known: dict[str, bytes] = {}
        self._absent: dict[str, float] = {}

    async def of_day(self, day: str) -> bytes | None:
        """The salt of a day; None if it is destroyed. Raises `ServiceUnavailable` while nobody can tell."""
        if (known := self._known.get(day)) is not None:
            return known
        if self._absent.get(day, 0.0) > time.monotonic():
            return None
        try:
            answer = await self._link_api.get("/internal/salts", {"day": day})
        except NotFound:
            self._absent[day] = time.monotonic() + ABSENT_S
            return None
        self._known[day] = bytes.fromhex(answer["salt"])
        return self._known[day]

    def forget(self, now_ms: int) -> None:
        """Drop the salts that are destroyed."""
        self._known = {day: salt for day, salt in self._known.items() if not is_destroyed(day, now_ms)}
        self._absent = {day: until for day, until in self._absent.items() if until > time.monotonic()}


def days_of(times_ms: Iterable[int], now_ms: int) -> set[str]:
    """The days whose salts clicks of those times need and can still have."""
    return {day for day in map(utc_day, times_ms) if not is_destroyed(day, now_ms)}
