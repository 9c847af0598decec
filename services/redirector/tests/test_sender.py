"""The sender on a real spool; what Kafka would get is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from codeqr_common.events.clicks import ClickEvent, decode_click
from codeqr_common.kafka.transactions import Entry
from redirector import metrics
from redirector.clicks import record as records
from redirector.clicks.enrichment import Enricher
from redirector.clicks.geo import Place
from redirector.clicks.record import ClickRecord
from redirector.clicks.sender import Sender
from redirector.clicks.spool import Spool

BROKEN = "1.2.3.4"


class GeoWithAHole:
    """Raises for one address."""

    def place(self, address: str) -> Place:
        if address == BROKEN:
            raise RuntimeError("a damaged database")
        return Place("SA", "BR")


class NoSalts:
    def forget(self, now_ms: int) -> None: ...

    async def of_day(self, day: str) -> None: ...


class Kept:
    """A writer, and its one session, that keeps what is written; `enough` is set at so many."""

    def __init__(self, wanted: int, enough: asyncio.Event) -> None:
        self.position: int | None = None
        self.events: list[ClickEvent] = []
        self._wanted = wanted
        self._enough = enough

    @asynccontextmanager
    async def session(self) -> "AsyncIterator[Kept]":
        yield self

    async def partitions(self, topic: str) -> list[int]:
        return [0]

    async def write(self, topic: str, partition: int, entries: Sequence[Entry], position: int) -> None:
        self.events += [decode_click(entry.value) for entry in entries]
        self.position = position
        if len(self.events) >= self._wanted:
            self._enough.set()


async def test_a_click_that_cannot_be_completed_holds_up_nobody(
    spool: Spool, tmp_path: Path, record_of: Callable[..., ClickRecord]
) -> None:
    for number, address in enumerate(("9.9.9.9", BROKEN, "8.8.8.8")):
        spool.append([records.encode(record_of(id=f"click_{number}", address=address))])
    before = metrics.INCOMPLETE._value.get()
    stop = asyncio.Event()
    kept = Kept(3, stop)
    enricher = Enricher(spool.id, GeoWithAHole())
    sender = Sender(tmp_path, kept, enricher, NoSalts(), batch_clicks=10, drain_s=1.0)  # type: ignore[arg-type]
    await asyncio.wait_for(sender.run(stop), 10)
    assert [(event.id, event.country, event.device) for event in kept.events] == [
        ("click_0", "BR", "Desktop"),
        ("click_1", "Unknown", "Unknown"),
        ("click_2", "BR", "Desktop"),
    ]
    assert metrics.INCOMPLETE._value.get() - before == 1
