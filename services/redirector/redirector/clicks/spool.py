"""The spool: clicks on disk before their answers go out. This is the writer; one process has it at a time.

A frame goes out in one `write()`. Whatever is wrong with it afterwards (short write, full disk, a crash in between)
ends its segment: nothing is ever written behind a torn frame, and no process writes into a segment of another.
"""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from codeqr_common.logs import get_logger
from redirector import metrics
from redirector.clicks import frames

log = get_logger(__name__)
ID_FILE = "id"
LOCK_FILE = "lock"
CHECKPOINT_FILE = "sent"
ID_BYTES = 16
REOPEN_S = 1.0
"""On a full disk, opening another segment is tried only so often: each try may leave an empty file."""
SHOUT_S = 5.0
FAILING_S = 10.0
"""How long a spool counts as failing after a loss. Not for ever: one that is given no clicks cannot prove itself."""
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class SpoolBusy(Exception):
    """Another process has this spool directory."""


class SpoolDamaged(Exception):
    """The directory is not what this code made: somebody must look at it."""


def read_id(directory: Path) -> str | None:
    """The spool's id (32 hex digits), or None while the directory is not made or only half made.

    Raises `SpoolDamaged` if the file holds anything else.
    """
    try:
        text = (directory / ID_FILE).read_text().strip()
        wrong = len(bytes.fromhex(text)) != ID_BYTES
    except FileNotFoundError:
        return None
    except ValueError:
        wrong = True
    if wrong:
        raise SpoolDamaged(f"{directory / ID_FILE} holds no spool id")
    return text


class Spool:
    """The writer of a spool directory.

    `segment_bytes` and `segment_seconds` say when a segment that holds clicks is followed by the next one,
    `limit_bytes` how much all segments may hold. Raises `SpoolBusy`, `SpoolDamaged` or `OSError` when it is opened;
    afterwards nothing raises.
    """

    def __init__(self, directory: Path, *, limit_bytes: int, segment_bytes: int, segment_seconds: float) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(directory / LOCK_FILE)
        try:
            self.id = read_id(directory) or _make_id(directory)
            self._next = _first_free(directory)
            self._file: int | None = None
            self._size = 0
            self._first_write = 0.0
            self._reopen_at = 0.0
            self._shout_at = 0.0
            self._unsaid = 0
            self._lost_reason = ""
            self._failing_until = 0.0
            self._total = 0
            self._open_segment()
            self._measure()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, records: Sequence[bytes]) -> bool:
        """Write records as one frame. False if they are lost: counted and logged, it must not stop an answer."""
        frame = frames.pack(records)
        problem = self._write(frame)
        if problem is None:
            metrics.CLICKS_SPOOLED.inc(len(records))
            self._failing_until = 0.0
            return True
        self._lost(problem, len(records))
        return False

    def maintain(self) -> None:
        """Close a segment that is old enough and see what the sender has deleted. To be called about once a second."""
        if self._file is None or (self._size and time.monotonic() - self._first_write >= self._segment_seconds):
            self._rotate()
        try:
            self._measure()
        except OSError as error:
            log.error("the spool cannot be measured", error=str(error), directory=str(self._directory))

    def problem(self) -> str | None:
        """Why clicks are being lost now; None while they can be written."""
        if self._file is None:
            return "no segment can be opened"
        return self._lost_reason if time.monotonic() < self._failing_until else None

    def close(self) -> None:
        """Give the directory free."""
        self._close_segment()
        os.close(self._lock)

    def _measure(self) -> None:
        self._total = bytes_of(frames.segment_numbers(self._directory), self._directory)
        metrics.SPOOL_BYTES.set(self._total)

    def _write(self, frame: bytes) -> str | None:
        if self._total + len(frame) > self._limit_bytes:
            return "limit"
        if self._file is not None and self._size + len(frame) > self._segment_bytes and self._size:
            self._rotate()
        if self._file is None:
            self._rotate()
        problem = self._write_once(frame)
        if problem == "short":  # torn: this segment has ended, and the frame may fit the next one
            self._rotate()
            self._reopen_at = time.monotonic() + REOPEN_S
            problem = self._write_once(frame)
        return problem

    def _write_once(self, frame: bytes) -> str | None:
        if self._file is None:
            return "no_segment"
        try:
            written = os.write(self._file, frame)
        except OSError as error:
            # Nothing of the frame is there if the disk was full; after any other error nobody knows.
            if error.errno not in DISK_FULL:
                self._close_segment()
            return "disk_full" if error.errno in DISK_FULL else "error"
        self._total += written
        if written != len(frame):
            self._close_segment()
            return "short"
        if not self._size:
            self._first_write = time.monotonic()
        self._size += written
        return None

    def _rotate(self) -> None:
        if time.monotonic() < self._reopen_at:
            return
        try:
            self._open_segment()
        except OSError as error:
            self._reopen_at = time.monotonic() + REOPEN_S
            log.error("no new spool segment", error=str(error), directory=str(self._directory))

    def _open_segment(self) -> None:
        """The new one is there before the old one is left: a segment that has a successor never grows again."""
        path = frames.segment_path(self._directory, self._next)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._close_segment()
        self._file, self._size = opened, 0
        self._next += 1

    def _close_segment(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # it is closed all the same
                os.close(file)

    def _lost(self, reason: str, count: int) -> None:
        metrics.CLICKS_LOST.labels(reason).inc(count)
        self._unsaid += count
        now = time.monotonic()
        self._lost_reason, self._failing_until = reason, now + FAILING_S
        if now >= self._shout_at:
            log.error("CLICKS ARE LOST", reason=reason, clicks=self._unsaid, directory=str(self._directory))
            self._shout_at, self._unsaid = now + SHOUT_S, 0


def _lock(path: Path) -> int:
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise SpoolBusy(f"another redirector has {path.parent}") from None
    return opened


def _first_free(directory: Path) -> int:
    """A segment number that was never used: behind every segment, and behind what was sent of those that are gone."""
    sent, _ = frames.place(read_checkpoint(directory) or 0)
    return max([sent, *frames.segment_numbers(directory)]) + 1


def _make_id(directory: Path) -> str:
    """Make the directory's id. Segments come after it, so a directory with segments and no id lost it: then, stop."""
    if frames.segment_numbers(directory):
        raise SpoolDamaged(f"{directory} holds segments but no id")
    text = secrets.token_hex(ID_BYTES)
    half_made = directory / f"{ID_FILE}.new"
    with half_made.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half_made.replace(directory / ID_FILE)
    sync_directory(directory)
    return text


def read_checkpoint(directory: Path) -> int | None:
    """The position that the sender noted last; None if it noted none (or nothing readable)."""
    try:
        return int((directory / CHECKPOINT_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


def write_checkpoint(directory: Path, position: int) -> None:
    """Note a position that Kafka has."""
    new = directory / f"{CHECKPOINT_FILE}.new"
    new.write_text(str(position))
    new.replace(directory / CHECKPOINT_FILE)


def bytes_of(numbers: Iterable[int], directory: Path) -> int:
    """The size of segments; one that was deleted meanwhile counts nothing."""
    total = 0
    for number in numbers:
        with suppress(FileNotFoundError):
            total += frames.segment_path(directory, number).stat().st_size
    return total


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on disk, not only in memory."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
