"""The query string of `GET /analytics` → a question. No I/O; all that is wrong is `InvalidParameter` (422)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from analytics.queries.filters import Condition, InvalidFilter, Parameters, conditions
from analytics.queries.intervals import Interval, Window, custom_window, interval_window, parse_moment, zone_of
from analytics.queries.schemas import Event, GroupBy

Choice = TypeVar("Choice", bound=StrEnum)


class InvalidParameter(ValueError):
    """`<parameter>: <problem>`."""


@dataclass(frozen=True)
class Question:
    """What the caller asks for; the project is not part of it."""

    event: Event
    group_by: GroupBy
    zone: ZoneInfo
    interval: Interval
    start: datetime | None
    end: datetime | None
    conditions: tuple[Condition, ...]

    @property
    def needs_first_event(self) -> bool:
        """Whether the window begins with the project's first event."""
        return self.start is None and (self.end is not None or self.interval is Interval.ALL)

    def window(self, now: int, first_event: int | None) -> Window:
        """The time asked about; `now` and `first_event` in milliseconds since the epoch."""
        if self.start is None and self.end is None:
            return interval_window(self.interval, self.zone, now, first_event)
        end = self.end or _moment(now + 1, self.zone)
        start = self.start or min(_moment(first_event or now, self.zone), _moment(_before(end), self.zone))
        try:
            return custom_window(start, end, self.zone)
        except ValueError as error:
            raise InvalidParameter(f"end: {error}" if self.end else "start: lies in the future") from error


def by_name(items: Iterable[tuple[str, str]]) -> Parameters:
    """Query parameters by camelCase name: published clients send snake_case, which only `utm_*` keep."""
    found: dict[str, list[str]] = {}
    for name, value in items:
        found.setdefault(_camel(name), []).append(value)
    return found


def question(parameters: Parameters) -> Question:
    """Read all parameters; those that are unknown are ignored."""
    zone = _zone(_last(parameters, "timezone"))
    try:
        where = conditions(parameters)
    except InvalidFilter as error:
        raise InvalidParameter(str(error)) from error
    return Question(
        event=_choice(Event, "event", parameters, Event.CLICKS),
        group_by=_choice(GroupBy, "groupBy", parameters, GroupBy.COUNT),
        zone=zone,
        interval=_choice(Interval, "interval", parameters, Interval.DAY),
        start=_time("start", parameters, zone),
        end=_time("end", parameters, zone),
        conditions=where,
    )


def _camel(name: str) -> str:
    return name if name.startswith("utm_") else re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _last(parameters: Parameters, name: str) -> str:
    values = parameters.get(name, ())
    return values[-1].strip() if values else ""


def _choice(kind: type[Choice], name: str, parameters: Parameters, default: Choice) -> Choice:
    value = _last(parameters, name)
    if not value:
        return default
    try:
        return kind(value)
    except ValueError:
        offered = ", ".join(kind)
        raise InvalidParameter(f"{name}: must be one of {offered}") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name or "UTC")
    except ValueError as error:
        raise InvalidParameter(f"timezone: {error}") from error


def _time(name: str, parameters: Parameters, zone: ZoneInfo) -> datetime | None:
    text = _last(parameters, name)
    if not text:
        return None
    try:
        return parse_moment(text, zone)
    except ValueError as error:
        raise InvalidParameter(f"{name}: {error}") from error


def _moment(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant / 1000, zone)


def _before(end: datetime) -> int:
    return int(end.timestamp() * 1000) - 1
