"""The sender: moves the clicks of one spool to Kafka, each exactly once, wherever it is killed.

Records and the spool's position go into one transaction; after any error, or a new start, the next session goes on
from the position that Kafka committed. A click waits in the spool for whatever it needs.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from codeqr_common import tracing
from codeqr_common.events.clicks import ClickEvent, encode
from codeqr_common.http.internal import ServiceUnavailable
from codeqr_common.kafka.sessions import keep_running, wait
from codeqr_common.kafka.topics import CLICK_EVENTS
from codeqr_common.kafka.transactions import Entry, Session, TransactionalWriter
from codeqr_common.logs import get_logger
from codeqr_common.times import now_ms
from redirector import metrics
from redirector.clicks import frames
from redirector.clicks.enrichment import Enricher
from redirector.clicks.reader import Batch, SpooledRecord, SpoolReader, delete_before
from redirector.clicks.record import ClickRecord, decode
from redirector.clicks.salts import Salts, days_of
from redirector.clicks.spool import read_checkpoint, sync_directory, write_checkpoint

log = get_logger(__name__)
IDLE_S = 0.01
SALT_WAIT_S = 0.5
GRACE_S = 3.0
NOTE_S = 1.0
"""How often the local checkpoint is written and the backlog measured."""
REFRESH_S = 24 * 3600.0
"""Kafka forgets an offset that nobody renews (`offsets.retention.minutes`)."""
MAX_EVENT_BYTES = 900_000
"""What fits a batch of Kafka's, with its overhead."""


class Sender:
    """Empties the spool in `directory`. `run` is the task of its process."""

    def __init__(
        self,
        directory: Path,
        writer: TransactionalWriter,
        enricher: Enricher,
        salts: Salts,
        *,
        batch_clicks: int,
        drain_s: float,
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._enricher = enricher
        self._salts = salts
        self._batch_clicks = batch_clicks
        self._drain_s = drain_s
        self._stop = asyncio.Event()
        self._turn = 0
        self._synced: int | None = None
        self._noted_at = 0.0
        self._committed_at = time.monotonic()
        self._oldest_ms: int | None = None
        metrics.OLDEST_UNSENT.set_function(self._oldest_age_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then what is still there, for `drain_s` at most. Killing it loses nothing."""
        self._stop = stop
        sending = asyncio.ensure_future(keep_running("sender", self._send_session, stop))
        asked = asyncio.ensure_future(stop.wait())
        await asyncio.wait([sending, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        done, _ = await asyncio.wait([sending], timeout=self._drain_s + GRACE_S)
        if not done:
            sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    async def _send_session(self) -> None:
        async with self._writer.session() as session:
            metrics.SESSIONS.inc()
            start = self._start_of(session)
            log.info("sending", position=start)
            with SpoolReader(self._directory, start) as reader:
                await self._send_all(session, reader)

    def _start_of(self, session: Session) -> int:
        if session.position is not None:
            return session.position
        noted = read_checkpoint(self._directory)
        if noted is not None:
            log.warning("Kafka does not know this spool's position: going on from the local note", position=noted)
        return noted or 0

    async def _send_all(self, session: Session, reader: SpoolReader) -> None:
        partitions = await session.partitions(CLICK_EVENTS)
        deadline: float | None = None
        while deadline is None or time.monotonic() < deadline:
            if deadline is None and self._stop.is_set():
                deadline = time.monotonic() + self._drain_s
            batch = reader.read(self._batch_clicks)
            if batch is not None:
                await self._send(session, partitions, batch)
            elif deadline is not None:
                break
            else:
                await self._idle(session, partitions, reader)
            self._note(reader, session.position)
        self._note(reader, session.position, last=True)

    async def _send(self, session: Session, partitions: Sequence[int], batch: Batch) -> None:
        records = [(spooled.position, record) for spooled in batch.records if (record := _decoded(spooled))]
        self._oldest_ms = min((record.time for _, record in records), default=None)
        salts = await self._salts_for([record.time for _, record in records])
        now = now_ms()
        entries = [
            entry
            for position, record in records
            if (entry := _entry(record, encode(self._completed(record, position, salts, now))))
        ]
        await self._commit(session, partitions, entries, batch.end)
        metrics.SENT.inc(len(entries))

    def _completed(self, record: ClickRecord, position: int, salts: Mapping[str, bytes | None], now: int) -> ClickEvent:
        """One click that cannot be completed goes out as it is: it must not hold up those behind it."""
        try:
            return self._enricher.complete(record, position, salts, now)
        except Exception:
            metrics.INCOMPLETE.inc()
            log.exception("a click cannot be completed: sent without place, device and visitor", click_id=record.id)
            return self._enricher.bare(record, position)

    async def _commit(self, session: Session, partitions: Sequence[int], entries: Sequence[Entry], end: int) -> None:
        segment, _ = frames.place(end)
        if self._synced != segment:
            # Or a power failure could take the segment's name, its number would be used again, and what is written
            # there would be taken for sent.
            await asyncio.to_thread(sync_directory, self._directory)
            self._synced = segment
        self._turn += 1
        await session.write(CLICK_EVENTS, partitions[self._turn % len(partitions)], entries, end)
        self._committed_at = time.monotonic()

    async def _idle(self, session: Session, partitions: Sequence[int], reader: SpoolReader) -> None:
        self._oldest_ms = None
        if time.monotonic() - self._committed_at > REFRESH_S:
            await self._commit(session, partitions, [], reader.position)
        await asyncio.sleep(IDLE_S)

    def _note(self, reader: SpoolReader, committed: int | None, *, last: bool = False) -> None:
        """Now and then: the checkpoint, and what is sent gets deleted. Everything read is committed here."""
        now = time.monotonic()
        if now - self._noted_at < NOTE_S and not last:
            return
        self._noted_at = now
        if committed is not None:
            write_checkpoint(self._directory, committed)
        delete_before(self._directory, reader.segment)
        metrics.BEHIND_BYTES.set(reader.behind())

    async def _salts_for(self, times_ms: list[int]) -> dict[str, bytes | None]:
        """The salts for clicks of those times. Waits while link-api cannot tell: the clicks are safe where they are."""
        self._salts.forget(now_ms())
        while True:
            try:
                return {day: await self._salts.of_day(day) for day in days_of(times_ms, now_ms())}
            except ServiceUnavailable as error:
                log.warning("waiting for the salt of the day", error=str(error))
                if await wait(self._stop, SALT_WAIT_S):
                    raise

    def _oldest_age_s(self) -> float:
        return 0.0 if self._oldest_ms is None else max(0.0, (now_ms() - self._oldest_ms) / 1000)


def _decoded(spooled: SpooledRecord) -> ClickRecord | None:
    try:
        return decode(spooled.line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        metrics.SKIPPED.labels("undecodable").inc()
        log.error("a spooled record cannot be decoded: skipped", position=spooled.position, error=str(error))
        return None


def _entry(record: ClickRecord, value: bytes) -> Entry | None:
    if len(value) > MAX_EVENT_BYTES:
        metrics.SKIPPED.labels("too_large").inc()
        log.error("a click is too large for Kafka: skipped", click_id=record.id, bytes=len(value))
        return None
    headers = dict(record.trace or {})
    if record.request_id:
        headers["request-id"] = record.request_id
    return Entry(record.link_id.encode(), value, tracing.kafka_headers(headers))
