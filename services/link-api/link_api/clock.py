"""The present time as the tables keep it: whole milliseconds, in UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present time, cut to the millisecond, so that what is answered is what was stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def moment_of(milliseconds: int) -> datetime:
    """The time so many milliseconds after the epoch."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def iso_or_none(moment: datetime | None) -> str | None:
    """`2025-09-06T12:21:07.873Z`, or None."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
