"""Which buckets of time a question is about: interval or start and end, in a time zone. No I/O.

All instants are milliseconds since the epoch. Buckets are whole ones of the asked zone: a day begins at its first
instant there, whatever daylight saving does, so a day may have 23 or 25 hours, and an hour may come twice.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from codeqr_common.times import to_ms

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
LAST_DAYS_BY_DAY = 90
"""An interval of more days comes in months (contract, section 4)."""
CUSTOM_BY_HOUR = timedelta(days=2)
CUSTOM_BY_DAY = timedelta(days=180)
FIRST_YEAR, LAST_YEAR = 1970, 2099


class Bucket(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Interval(StrEnum):
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    YEAR = "1y"
    MONTH_TO_DATE = "mtd"
    QUARTER_TO_DATE = "qtd"
    YEAR_TO_DATE = "ytd"
    ALL = "all"


DAYS = {Interval.WEEK: 7, Interval.DAYS_30: 30, Interval.DAYS_90: 90}


@dataclass(frozen=True)
class Window:
    """`[start, end)` and the starts of the buckets that cover it; the first may begin before `start`."""

    start: int
    end: int
    bucket: Bucket
    starts: tuple[int, ...]


def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone; raises ValueError when there is none of that name."""
    if name not in _zone_names():
        raise ValueError(f"{name!r} is not an IANA time zone")
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_moment(text: str, zone: ZoneInfo) -> datetime:
    """An ISO 8601 time or date; without an offset it is meant in `zone`. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not an ISO 8601 time") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"not between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def interval_window(interval: Interval, zone: ZoneInfo, now: int, first_event: int | None = None) -> Window:
    """The buckets of `interval`, the present one included. `first_event` is asked for by `Interval.ALL` alone."""
    if interval is Interval.HOUR:
        starts = tuple(now - now % MINUTE_MS - back * MINUTE_MS for back in reversed(range(60)))
        return Window(starts[0], starts[-1] + MINUTE_MS, Bucket.MINUTE, starts)
    if interval is Interval.DAY:
        starts = _hours_back(now, 24, zone)
        return Window(starts[0], starts[-1] + HOUR_MS, Bucket.HOUR, starts)
    today = _local(now, zone).date()
    first = _first_day(interval, today, _local(min(first_event or now, now), zone).date())
    by_month = interval is Interval.YEAR or (today - first).days + 1 > LAST_DAYS_BY_DAY
    return _of_dates(first, today, Bucket.MONTH if by_month else Bucket.DAY, zone)


def custom_window(start: datetime, end: datetime, zone: ZoneInfo) -> Window:
    """`[start, end)`, in hours up to 2 days, in days up to 180, else in months; lengths by the local clock."""
    first, last = to_ms(start), to_ms(end)
    if last <= first:
        raise ValueError("not after start")
    length = _local(last, zone).replace(tzinfo=None) - _local(first, zone).replace(tzinfo=None)
    if length <= CUSTOM_BY_HOUR:
        return Window(first, last, Bucket.HOUR, _hours_between(first, last, zone))
    bucket = Bucket.DAY if length <= CUSTOM_BY_DAY else Bucket.MONTH
    whole = _of_dates(_local(first, zone).date(), _local(last - 1, zone).date(), bucket, zone)
    return Window(first, last, bucket, whole.starts)


def _first_day(interval: Interval, today: date, first_event: date) -> date:
    if interval in DAYS:
        return today - timedelta(days=DAYS[interval] - 1)
    match interval:
        case Interval.YEAR:
            return _months_before(today, 11)
        case Interval.MONTH_TO_DATE:
            return today.replace(day=1)
        case Interval.QUARTER_TO_DATE:
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case Interval.YEAR_TO_DATE:
            return today.replace(month=1, day=1)
        case _:
            return first_event


def _months_before(day: date, months: int) -> date:
    """The first day of the month that many months before the month of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def _of_dates(first: date, last: date, bucket: Bucket, zone: ZoneInfo) -> Window:
    """The whole days (or months) from that of `first` to that of `last`."""
    day = first.replace(day=1) if bucket is Bucket.MONTH else first
    starts: list[int] = []
    while day <= last:
        start = _midnight(day, zone)
        if not starts or start > starts[-1]:  # a day that a zone left out has the next one's start
            starts.append(start)
        day = _next(day, bucket)
    return Window(starts[0], _midnight(day, zone), bucket, tuple(starts))


def _next(day: date, bucket: Bucket) -> date:
    return day + timedelta(days=1) if bucket is Bucket.DAY else _months_before(day, -1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first instant of the day. Where the clock jumps over midnight, that is the jump."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def _local(instant: int, zone: ZoneInfo) -> datetime:
    seconds, rest = divmod(instant, 1000)
    return datetime.fromtimestamp(seconds, zone) + timedelta(milliseconds=rest)


def _hours_back(instant: int, count: int, zone: ZoneInfo) -> tuple[int, ...]:
    starts = [_hour(instant, zone)]
    while len(starts) < count:
        starts.append(_hour(starts[-1] - 1, zone))
    return tuple(reversed(starts))


def _hours_between(first: int, last: int, zone: ZoneInfo) -> tuple[int, ...]:
    starts = [_hour(last - 1, zone)]
    while starts[-1] > first:
        starts.append(_hour(starts[-1] - 1, zone))
    return tuple(reversed(starts))


def _hour(instant: int, zone: ZoneInfo) -> int:
    """The start of the local hour; a change of offset within it (Lord Howe Island) begins another bucket."""
    offset = _offset(instant, zone)
    start = (instant + offset) // HOUR_MS * HOUR_MS - offset
    if _offset(start, zone) == offset:
        return start
    before, after = start, instant
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == offset:
            after = middle
        else:
            before = middle
    return after


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant // 1000, zone).utcoffset()
    assert offset is not None  # noqa: S101 - an aware time has one
    return int(offset.total_seconds()) * 1000
