"""Reading a spool while its writer lives: whole frames from a position on, segment after segment."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codeqr_common.logs import get_logger
from redirector import metrics
from redirector.clicks import frames
from redirector.clicks.spool import bytes_of

log = get_logger(__name__)
CHUNK = 512 << 10


@dataclass(frozen=True)
class SpooledRecord:
    position: int
    line: bytes


@dataclass(frozen=True)
class Batch:
    """Records of whole frames, and the position behind the last of them."""

    records: Sequence[SpooledRecord]
    end: int


class SpoolReader:
    """Reads from `position` on. A context manager, for the file that it holds open."""

    def __init__(self, directory: Path, position: int) -> None:
        self._directory = directory
        self._segment, self._byte = frames.place(position)
        self._file: int | None = None

    @property
    def position(self) -> int:
        """Behind everything that was read."""
        return frames.position(self._segment, self._byte)

    @property
    def segment(self) -> int:
        return self._segment

    def read(self, limit: int) -> Batch | None:
        """The next frames, whole, up to about `limit` records; None while there is nothing more.

        A segment is left only when it was read to its end after its successor was seen, for it cannot grow then.
        """
        while True:
            if batch := self._read_segment(limit):
                return batch
            successor = min((n for n in frames.segment_numbers(self._directory) if n > self._segment), default=None)
            if successor is None:
                return None
            if batch := self._read_segment(limit):
                return batch
            self._leave(successor)

    def behind(self) -> int:
        """Bytes of the spool that were not read yet."""
        numbers = [number for number in frames.segment_numbers(self._directory) if number >= self._segment]
        return max(0, bytes_of(numbers, self._directory) - (self._byte if self._segment in numbers else 0))

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "SpoolReader":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _read_segment(self, limit: int) -> Batch | None:
        if self._file is None:
            try:
                path = frames.segment_path(self._directory, self._segment)
                self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
        records: list[SpooledRecord] = []
        start = self._byte
        for frame in frames.unpack(_whole_frames(self._file, start)):
            at = start + frame.body
            for line in frame.records:
                records.append(SpooledRecord(frames.position(self._segment, at), line))
                at += len(line) + 1
            self._byte = start + frame.end
            if len(records) >= limit:
                break
        return Batch(records, self.position) if records else None

    def _leave(self, successor: int) -> None:
        if self._file is not None and (torn := os.fstat(self._file).st_size - self._byte) > 0:
            metrics.TORN.inc(torn)
            log.warning("a segment ends in a torn frame", segment=self._segment, byte=self._byte, torn_bytes=torn)
        self.close()
        self._segment, self._byte = successor, 0


def _whole_frames(file: int, start: int) -> bytes:
    """Bytes from `start` on that hold at least one frame, if the file does."""
    there = max(0, os.fstat(file).st_size - start)
    data = os.pread(file, min(CHUNK, there), start)
    wanted = frames.first_length(data)
    return os.pread(file, wanted, start) if len(data) < wanted <= there else data


def delete_before(directory: Path, segment: int) -> None:
    """Delete the segments before `segment`: Kafka has all that they held."""
    for number in frames.segment_numbers(directory):
        if number < segment:
            frames.segment_path(directory, number).unlink(missing_ok=True)
