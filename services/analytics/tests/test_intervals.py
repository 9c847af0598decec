from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.queries.intervals import (
    Bucket,
    Interval,
    Window,
    custom_window,
    interval_window,
    parse_moment,
    zone_of,
)
from codeqr_common.times import iso, to_ms

UTC = ZoneInfo("UTC")


def ms(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


def window(interval: str, now: str, zone: str = "UTC", first_event: str | None = None) -> Window:
    return interval_window(Interval(interval), ZoneInfo(zone), ms(now), ms(first_event) if first_event else None)


@pytest.mark.parametrize(
    ("interval", "now", "zone", "bucket", "count", "first", "last", "end"),
    [
        ("1h", "2025-09-06T12:21:07.873Z", "UTC", "minute", 60, "09-06T11:22", "09-06T12:21", "09-06T12:22"),
        ("24h", "2025-09-06T12:21:07Z", "UTC", "hour", 24, "09-05T13:00", "09-06T12:00", "09-06T13:00"),
        ("24h", "2025-09-06T12:21:07Z", "Asia/Kolkata", "hour", 24, "09-05T12:30", "09-06T11:30", "09-06T12:30"),
        ("7d", "2025-09-06T12:21:07Z", "UTC", "day", 7, "08-31T00:00", "09-06T00:00", "09-07T00:00"),
        ("7d", "2025-09-06T20:00:00Z", "Asia/Tokyo", "day", 7, "08-31T15:00", "09-06T15:00", "09-07T15:00"),
        ("30d", "2024-03-01T00:00:00Z", "UTC", "day", 30, "02-01T00:00", "03-01T00:00", "03-02T00:00"),
        ("90d", "2025-03-31T23:59:59.999Z", "UTC", "day", 90, "01-01T00:00", "03-31T00:00", "04-01T00:00"),
        ("1y", "2025-09-06T12:00:00Z", "UTC", "month", 12, "10-01T00:00", "09-01T00:00", "10-01T00:00"),
        ("1y", "2025-12-31T12:00:00Z", "UTC", "month", 12, "01-01T00:00", "12-01T00:00", "01-01T00:00"),
        ("1y", "2024-02-29T12:00:00Z", "UTC", "month", 12, "03-01T00:00", "02-01T00:00", "03-01T00:00"),
        ("mtd", "2025-09-06T12:00:00Z", "UTC", "day", 6, "09-01T00:00", "09-06T00:00", "09-07T00:00"),
        ("mtd", "2025-10-01T02:00:00Z", "America/New_York", "day", 30, "09-01T04:00", "09-30T04:00", "10-01T04:00"),
        ("qtd", "2025-09-06T12:00:00Z", "UTC", "day", 68, "07-01T00:00", "09-06T00:00", "09-07T00:00"),
        ("qtd", "2025-12-31T12:00:00Z", "UTC", "month", 3, "10-01T00:00", "12-01T00:00", "01-01T00:00"),
        ("ytd", "2025-02-28T12:00:00Z", "UTC", "day", 59, "01-01T00:00", "02-28T00:00", "03-01T00:00"),
        ("ytd", "2025-09-06T12:00:00Z", "UTC", "month", 9, "01-01T00:00", "09-01T00:00", "10-01T00:00"),
        # the clock of New York goes forward on 2025-03-09: that day begins at 05:00Z and ends at 04:00Z
        ("7d", "2025-03-10T12:00:00Z", "America/New_York", "day", 7, "03-04T05:00", "03-10T04:00", "03-11T04:00"),
        # Beirut's clock jumps over midnight on 2024-03-31: that day's first instant is 01:00 there
        ("7d", "2024-03-31T12:00:00Z", "Asia/Beirut", "day", 7, "03-24T22:00", "03-30T22:00", "03-31T21:00"),
        # Apia left 2011-12-30 out
        ("7d", "2011-12-31T12:00:00Z", "Pacific/Apia", "day", 6, "12-26T10:00", "12-31T10:00", "01-01T10:00"),
    ],
)  # fmt: skip
def test_intervals_are_whole_buckets_of_the_zone(
    interval: str, now: str, zone: str, bucket: str, count: int, first: str, last: str, end: str
) -> None:
    found = window(interval, now, zone)

    assert found.bucket == bucket
    assert len(found.starts) == count
    assert [iso(at)[5:16] for at in (found.starts[0], found.starts[-1], found.end)] == [first, last, end]
    assert found.start == found.starts[0]


@pytest.mark.parametrize(
    ("first_event", "bucket", "count"),
    [
        (None, "day", 1),
        ("2025-09-06T12:00:00Z", "day", 1),
        ("2025-09-05T23:59:59Z", "day", 2),
        ("2025-06-09T00:00:00Z", "day", 90),
        ("2025-06-08T23:00:00Z", "month", 4),
        ("2027-01-01T00:00:00Z", "day", 1),
    ],
)
def test_all_begins_with_the_first_event(first_event: str | None, bucket: str, count: int) -> None:
    found = window("all", "2025-09-06T12:30:00Z", first_event=first_event)
    assert (found.bucket, len(found.starts)) == (bucket, count)
    assert iso(found.end) == ("2025-09-07T00:00:00.000Z" if bucket == "day" else "2025-10-01T00:00:00.000Z")


def test_an_hour_that_comes_twice_is_two_buckets() -> None:
    found = window("24h", "2025-11-02T12:00:00Z", "America/New_York")
    assert len(found.starts) == 24
    assert all(later - earlier == 3_600_000 for earlier, later in pairwise(found.starts))


def test_a_half_hour_change_of_the_clock_begins_a_bucket() -> None:
    """Lord Howe Island goes back from 02:00 to 01:30 at 15:00Z on 2025-04-05."""
    found = window("24h", "2025-04-05T20:00:00Z", "Australia/Lord_Howe")
    assert len(found.starts) == 24
    assert ms("2025-04-05T15:00:00Z") in found.starts
    assert ms("2025-04-05T15:30:00Z") in found.starts


@pytest.mark.parametrize(
    ("start", "end", "zone", "bucket", "count", "first"),
    [
        ("2025-09-06T12:30:00Z", "2025-09-06T12:31:00Z", "UTC", "hour", 1, "2025-09-06T12:00"),
        ("2025-09-06", "2025-09-08", "UTC", "hour", 48, "2025-09-06T00:00"),
        ("2025-09-06", "2025-09-08T00:00:00.001", "UTC", "day", 3, "2025-09-06T00:00"),
        ("2025-11-01", "2025-11-03", "America/New_York", "hour", 49, "2025-11-01T04:00"),
        ("2025-01-01", "2025-06-30", "Europe/Paris", "day", 180, "2024-12-31T23:00"),
        ("2025-01-01", "2025-07-01", "Europe/Paris", "month", 6, "2024-12-31T23:00"),
        ("2025-01-15T10:00", "2025-12-01", "UTC", "month", 11, "2025-01-01T00:00"),
        ("2025-01-15T10:00", "2025-12-01T00:00:00.001", "UTC", "month", 12, "2025-01-01T00:00"),
    ],
)
def test_custom_windows(start: str, end: str, zone: str, bucket: str, count: int, first: str) -> None:
    where = ZoneInfo(zone)
    found = custom_window(parse_moment(start, where), parse_moment(end, where), where)

    assert (found.bucket, len(found.starts)) == (bucket, count)
    assert iso(found.starts[0])[:16] == first
    assert found.start == to_ms(parse_moment(start, where))
    assert found.end == to_ms(parse_moment(end, where))


def test_a_window_must_hold_something() -> None:
    moment = parse_moment("2025-01-01", UTC)
    with pytest.raises(ValueError, match="not after start"):
        custom_window(moment, moment, UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "1969-12-31", "2100-01-01", "1757161267873"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text, UTC)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "europe/paris", "../etc/passwd", "America", "UTC+3"])
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        zone_of(name)


ZONES = [
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/Havana",
]


@given(
    interval=st.sampled_from(Interval),
    now=st.integers(ms("2005-01-01T00:00:00Z"), ms("2037-01-01T00:00:00Z")),
    age_ms=st.integers(0, 10**11),
    zone=st.sampled_from(ZONES),
)
def test_buckets_ascend_and_hold_now(interval: Interval, now: int, age_ms: int, zone: str) -> None:
    found = interval_window(interval, ZoneInfo(zone), now, now - age_ms)
    assert all(earlier < later for earlier, later in pairwise(found.starts))
    assert found.starts[-1] <= now < found.end
    if interval is Interval.ALL:
        assert found.start <= now - age_ms


@given(
    start=st.integers(ms("2005-01-01T00:00:00Z"), ms("2037-01-01T00:00:00Z")),
    length_ms=st.integers(1, 3 * 10**10),
    zone=st.sampled_from(ZONES),
)
def test_custom_buckets_cover_the_window(start: int, length_ms: int, zone: str) -> None:
    where = ZoneInfo(zone)
    first, last = (parse_moment(iso(at), where) for at in (start, start + length_ms))
    found = custom_window(first, last, where)
    assert all(earlier < later for earlier, later in pairwise(found.starts))
    assert found.starts[0] <= start
    assert found.starts[-1] < start + length_ms
    assert len(found.starts) <= {Bucket.HOUR: 50, Bucket.DAY: 181, Bucket.MONTH: 13}[found.bucket]
