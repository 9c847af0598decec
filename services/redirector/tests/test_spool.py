import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redirector.clicks import frames
from redirector.clicks.reader import SpoolReader, delete_before
from redirector.clicks.spool import (
    FAILING_S,
    ID_FILE,
    Spool,
    SpoolBusy,
    SpoolDamaged,
    read_checkpoint,
    read_id,
    write_checkpoint,
)

SpoolIn = Callable[..., Spool]


def lines(count: int, start: int = 0) -> list[bytes]:
    return [b'["click %d","%s"]' % (number, b"x" * (number % 7)) for number in range(start, start + count)]


def read_all(directory: Path, position: int = 0, limit: int = 1000) -> list[bytes]:
    found: list[bytes] = []
    with SpoolReader(directory, position) as reader:
        while batch := reader.read(limit):
            found.extend(record.line for record in batch.records)
    return found


def newest(directory: Path) -> Path:
    return frames.segment_path(directory, frames.segment_numbers(directory)[-1])


def test_what_was_appended_is_read_in_order(spool: Spool, tmp_path: Path) -> None:
    for line in lines(50):
        assert spool.append([line])
    assert spool.append(lines(3, 50))
    assert read_all(tmp_path) == lines(53)


def test_a_reader_goes_on_from_any_position_it_gave(spool: Spool, tmp_path: Path) -> None:
    for line in lines(20):
        spool.append([line])
    with SpoolReader(tmp_path, 0) as reader:
        for done in range(1, 21):
            batch = reader.read(1)
            assert batch is not None
            assert read_all(tmp_path, batch.end) == lines(20)[done:]


def test_positions_name_the_byte_of_each_record(spool: Spool, tmp_path: Path) -> None:
    spool.append(lines(4))
    spool.append(lines(2, 4))
    with SpoolReader(tmp_path, 0) as reader:
        batch = reader.read(1000)
    assert batch is not None
    data = newest(tmp_path).read_bytes()
    for record in batch.records:
        segment, byte = frames.place(record.position)
        assert frames.segment_path(tmp_path, segment) == newest(tmp_path)
        assert data[byte : byte + len(record.line)] == record.line


def test_a_reader_beside_a_living_writer_sees_each_record_once(tmp_path: Path, spool_in: SpoolIn) -> None:
    writer = spool_in(tmp_path, segment_bytes=300)
    seen: list[bytes] = []
    with SpoolReader(tmp_path, 0) as reader:
        for line in lines(60):
            writer.append([line])
            while batch := reader.read(7):
                seen.extend(record.line for record in batch.records)
            delete_before(tmp_path, reader.segment)
    writer.close()
    assert seen == lines(60)
    assert len(frames.segment_numbers(tmp_path)) == 1


def test_a_crash_at_every_byte_leaves_a_clean_prefix(tmp_path: Path, spool_in: SpoolIn) -> None:
    writer = spool_in(tmp_path)
    ends = []
    for line in lines(6):
        writer.append([line])
        ends.append(newest(tmp_path).stat().st_size)
    segment, data = newest(tmp_path), newest(tmp_path).read_bytes()
    writer.close()
    for length in range(len(data) + 1):
        segment.write_bytes(data[:length])
        assert read_all(tmp_path) == lines(6)[: sum(end <= length for end in ends)]


def test_after_a_torn_frame_the_next_segment_goes_on(tmp_path: Path, spool_in: SpoolIn) -> None:
    writer = spool_in(tmp_path)
    writer.append([lines(2)[0]])
    writer.append([lines(2)[1]])
    writer.close()
    torn = newest(tmp_path)
    torn.write_bytes(torn.read_bytes()[:-3])
    reader = SpoolReader(tmp_path, 0)
    batch = reader.read(1000)
    assert batch is not None
    assert [record.line for record in batch.records] == lines(1)
    assert reader.read(1000) is None  # its writer could still live
    after = spool_in(tmp_path)
    after.append(lines(1, 7))
    following = reader.read(1000)
    assert following is not None
    assert [record.line for record in following.records] == lines(1, 7)
    assert torn.stat().st_size > 0
    reader.close()
    after.close()


@given(st.binary(min_size=0, max_size=80))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_no_frame_and_zeros_are_none(garbage: bytes) -> None:
    good = frames.pack(lines(3))
    for tail in (garbage, bytes(len(garbage))):
        assert next(frames.unpack(good + tail)).records == lines(3)
    assert list(frames.unpack(bytes(100))) == []


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(where: int, change: int) -> None:
    frame = bytearray(frames.pack(lines(3)))
    frame[where % len(frame)] ^= change
    assert list(frames.unpack(bytes(frame))) == []


def test_a_process_only_writes_segments_that_it_opened(tmp_path: Path, spool_in: SpoolIn) -> None:
    first = spool_in(tmp_path)
    first.append(lines(1))
    before = newest(tmp_path)
    size = before.stat().st_size
    first.close()
    second = spool_in(tmp_path)
    second.append(lines(1, 1))
    second.close()
    assert second.id == first.id
    assert newest(tmp_path) != before
    assert before.stat().st_size == size
    assert read_all(tmp_path) == lines(2)


def test_numbers_of_segments_that_are_gone_are_never_used_again(tmp_path: Path, spool_in: SpoolIn) -> None:
    spool_in(tmp_path).close()
    write_checkpoint(tmp_path, frames.position(41, 7))
    for number in frames.segment_numbers(tmp_path):
        frames.segment_path(tmp_path, number).unlink()
    spool_in(tmp_path).close()
    assert frames.segment_numbers(tmp_path) == [42]
    assert read_checkpoint(tmp_path) == frames.position(41, 7)


def test_one_writer_at_a_time(spool: Spool, tmp_path: Path, spool_in: SpoolIn) -> None:
    with pytest.raises(SpoolBusy):
        spool_in(tmp_path)


def test_a_half_made_directory_is_made_whole(tmp_path: Path, spool_in: SpoolIn) -> None:
    (tmp_path / f"{ID_FILE}.new").write_text("dead")
    assert read_id(tmp_path) is None
    opened = spool_in(tmp_path)
    opened.close()
    assert read_id(tmp_path) == opened.id
    assert len(opened.id) == 32


def test_a_damaged_directory_is_refused(tmp_path: Path, spool_in: SpoolIn) -> None:
    (tmp_path / ID_FILE).write_text("not an id")
    with pytest.raises(SpoolDamaged):
        spool_in(tmp_path)
    (tmp_path / ID_FILE).unlink()
    frames.segment_path(tmp_path, 3).write_bytes(b"")
    with pytest.raises(SpoolDamaged):
        spool_in(tmp_path)


def test_old_segments_with_clicks_are_followed_by_a_new_one(tmp_path: Path, spool_in: SpoolIn) -> None:
    opened = spool_in(tmp_path, segment_seconds=0)
    opened.maintain()
    assert len(frames.segment_numbers(tmp_path)) == 1
    opened.append(lines(1))
    opened.maintain()
    opened.close()
    assert len(frames.segment_numbers(tmp_path)) == 2


def test_the_limit_costs_clicks_and_raises_nothing(tmp_path: Path, spool_in: SpoolIn) -> None:
    opened = spool_in(tmp_path, limit_bytes=200)
    kept = [line for line in lines(20) if opened.append([line])]
    assert 0 < len(kept) < 20
    assert read_all(tmp_path) == kept
    reader = SpoolReader(tmp_path, frames.position(99, 0))
    delete_before(tmp_path, reader.segment)
    opened.maintain()
    assert opened.append(lines(1))
    opened.close()


class Disk:
    """`os.write` on a disk with so many bytes left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def write(self, file: int, data: bytes) -> int:
        if self.left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = REAL_WRITE(file, data[: self.left])
        self.left -= written
        return written


REAL_WRITE = os.write


def test_a_disk_that_fills_up_at_any_byte(tmp_path: Path, spool_in: SpoolIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for left in range(0, 140, 3):
        directory = tmp_path / str(left)
        opened = spool_in(directory)
        disk = Disk(left)
        monkeypatch.setattr(os, "write", disk.write)
        kept = [line for line in lines(6) if opened.append([line])]
        disk.left = 1 << 20
        opened.maintain()
        assert opened.append(lines(1, 9)) or left  # behind a torn frame the next segment may wait a second
        monkeypatch.undo()
        opened.close()
        after = spool_in(directory)
        after.append(lines(1, 10))
        after.close()
        found = read_all(directory)
        assert [line for line in found if line not in lines(2, 9)] == kept
        assert found[-1:] == lines(1, 10)


def test_a_directory_that_cannot_be_listed_ends_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append(lines(1))
    spool.maintain()
    known = spool._total

    def too_many_files(_directory: Path) -> list[int]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(frames, "segment_numbers", too_many_files)
    spool.maintain()
    assert spool._total == known > 0
    assert spool.append(lines(1, 1))


def test_a_spool_that_loses_clicks_says_so_until_it_can_write(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spool.problem() is None
    monkeypatch.setattr(os, "write", Disk(0).write)
    spool.append(lines(1))
    assert spool.problem() == "disk_full"
    monkeypatch.undo()
    spool.append(lines(1))
    assert spool.problem() is None


def test_a_spool_without_traffic_does_not_fail_for_ever(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_limit_bytes", 0)
    spool.append(lines(1))
    assert spool.problem() == "limit"
    later = time.monotonic() + FAILING_S
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert spool.problem() is None
