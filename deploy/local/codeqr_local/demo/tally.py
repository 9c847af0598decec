"""What the verified callbacks say, added up."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codeqr_local.demo.signatures import Verdict, verify


@dataclass(frozen=True)
class Callback:
    """A callback as it arrived, and how its signatures did."""

    headers: Mapping[str, str]
    body: bytes
    payload: Mapping[str, Any]
    verdict: Verdict


@dataclass
class Tally:
    """Clicks by country and browser from `link.clicked` callbacks; a repeat of an event (at least once) counts once.

    `clicks`, `countries`, `browsers`, `scans` and `arrivals` (by whole second) leave bots out, as every count does.
    """

    countries: Counter[str] = field(default_factory=Counter)
    browsers: Counter[str] = field(default_factory=Counter)
    arrivals: Counter[int] = field(default_factory=Counter)
    clicks: int = 0
    scans: int = 0
    bots: int = 0
    forged: int = 0
    repeats: int = 0
    created: Callback | None = None
    last: Callback | None = None
    _seen: set[str] = field(default_factory=set)

    def take(self, secret: str, headers: Mapping[str, str], body: bytes, payload: Mapping[str, Any]) -> bool:
        """Counts a callback; False when a signature does not hold, and then nothing is counted."""
        callback = Callback(headers, body, payload, verify(secret, headers, body))
        if not callback.verdict.good:
            self.forged += 1
            return False
        if payload["id"] in self._seen:
            self.repeats += 1
            return True
        self._seen.add(payload["id"])
        if payload["event"] == "link.created":
            self.created = callback
        elif payload["event"] == "link.clicked":
            self.last = callback
            self._click(payload["data"]["click"])
        return True

    def _click(self, click: Mapping[str, Any]) -> None:
        if click.get("bot"):
            self.bots += 1
            return
        self.clicks += 1
        self.scans += bool(click.get("qr"))
        self.countries[click.get("country") or "Unknown"] += 1
        self.browsers[click.get("browser") or "Unknown"] += 1
        self.arrivals[int(time.time())] += 1
