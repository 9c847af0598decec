"""The format of a segment: frames, one behind the other.

A frame is a header (length of the body, CRC-32, version, number of records) and a body of records, a line each. The
CRC covers everything behind it, so that zeros, which a file may hold after a power failure, are no frame.
A position is the number of a segment and a byte in it: `segment << 40 | byte`. It fits Kafka's 64-bit offsets.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEADER = struct.Struct("<IIHH")
COVERED = struct.Struct("<HH")
VERSION = 1
MAX_RECORDS = 0xFFFF
BYTE_BITS = 40
BYTE_MASK = (1 << BYTE_BITS) - 1
NAME = re.compile(r"(\d{16})\.spool")


@dataclass(frozen=True)
class Frame:
    """A whole frame: where its body starts in what was read, where the next frame starts, and its records."""

    body: int
    end: int
    records: Sequence[bytes]


def pack(records: Sequence[bytes]) -> bytes:
    """A frame of records, none of which holds a line break."""
    covered = COVERED.pack(VERSION, len(records)) + b"\n".join(records)
    length = len(covered) - COVERED.size
    return struct.pack("<II", length, zlib.crc32(covered)) + covered


def unpack(data: bytes, offset: int = 0) -> Iterator[Frame]:
    """The whole frames in `data` from `offset` on; ends before the first that is not whole or not right."""
    while (frame := _frame(data, offset)) is not None:
        yield frame
        offset = frame.end


def _frame(data: bytes, offset: int) -> Frame | None:
    body = offset + HEADER.size
    if len(data) < body:
        return None
    length, crc, version, count = HEADER.unpack_from(data, offset)
    end = body + length
    if version != VERSION or count == 0 or len(data) < end:
        return None
    if zlib.crc32(memoryview(data)[body - COVERED.size : end]) != crc:
        return None
    records = data[body:end].split(b"\n")
    return Frame(body, end, records) if len(records) == count else None


def first_length(data: bytes) -> int:
    """How long the frame at the start of `data` says it is, header included."""
    return HEADER.size + int(HEADER.unpack_from(data)[0]) if len(data) >= HEADER.size else HEADER.size


def position(segment: int, byte: int) -> int:
    """The position of a byte in a segment."""
    return segment << BYTE_BITS | byte


def place(of: int) -> tuple[int, int]:
    """`(segment, byte)` of a position."""
    return of >> BYTE_BITS, of & BYTE_MASK


def segment_path(directory: Path, number: int) -> Path:
    """The file of a segment."""
    return directory / f"{number:016d}.spool"


def segment_numbers(directory: Path) -> list[int]:
    """The segments in a spool directory, in order."""
    found = (NAME.fullmatch(entry.name) for entry in directory.iterdir())
    return sorted(int(match[1]) for match in found if match)
