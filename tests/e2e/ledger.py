"""A client that visits at a steady rate and writes down what it was answered; and the audit of what came of it."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
LIMIT_S = 5.0


@dataclass
class Ledger:
    """What a client saw. Every visit has a Referer of its own."""

    keys: list[str]
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    answered: dict[str, str] = field(default_factory=dict)
    """Referer of each visit that was answered 302 → the key it visited."""
    unanswered: set[str] = field(default_factory=set)
    """Referers of visits that got no answer: they may be counted, or not."""
    refused: Counter[int] = field(default_factory=Counter)
    """Other statuses: those visits must not be counted."""

    async def visit(self, session: aiohttp.ClientSession, short_url: str, host: str, number: int) -> None:
        key = self.keys[number % len(self.keys)]
        referrer = f"https://ledger.example/{self.run}/{number}"
        headers = {"Host": host, "User-Agent": BROWSER, "Referer": referrer}
        try:
            async with session.get(f"{short_url}/{key}", headers=headers, allow_redirects=False) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.unanswered.add(referrer)
            return
        if status == 302:
            self.answered[referrer] = key
        else:
            self.refused[status] += 1

    async def keep_visiting(self, short_url: str, host: str, *, rate: float, seconds: float) -> None:
        """`rate` visits a second for `seconds`. Connections are not reused, so that nothing is sent twice unseen."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(LIMIT_S), skip_auto_headers=("User-Agent",)
        ) as session:
            began = time.monotonic()
            visits: set[asyncio.Task[None]] = set()
            for number in range(int(rate * seconds)):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                task = asyncio.create_task(self.visit(session, short_url, host, number))
                visits.add(task)
                task.add_done_callback(visits.discard)
            await asyncio.gather(*visits)

    def complete(self, clicks: Iterable[dict[str, Any]]) -> bool:
        """Whether every answered visit has arrived."""
        return self.answered.keys() <= {click["referrer"] for click in clicks}

    def audit(self, clicks: Iterable[dict[str, Any]]) -> list[str]:
        """What is wrong with what was stored, in sentences; empty when every answered visit is there exactly once."""
        stored = Counter(
            click["referrer"] for click in clicks if (click["referrer"] or "").split("/")[3:4] == [self.run]
        )
        lost = self.answered.keys() - stored.keys()
        twice = [referrer for referrer, times in stored.items() if times > 1]
        invented = stored.keys() - self.answered.keys() - self.unanswered
        faults = (("lost", lost), ("stored more than once", twice), ("stored but never visited", invented))
        return [f"{len(rows)} visits {what}, e.g. {sorted(rows)[:3]}" for what, rows in faults if rows]

    def summary(self) -> str:
        return f"{len(self.answered)} answered, {len(self.unanswered)} unanswered, refused {dict(self.refused)}"
