"""The present time as the tables keep it: whole milliseconds, in UTC."""

from datetime import UTC, datetime

from codeqr_common.times import iso, to_ms


def now() -> datetime:
    """The present time, cut to the millisecond, so that what is answered is what was stored."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso_or_none(moment: datetime | None) -> str | None:
    """`2025-09-06T12:21:07.873Z`, or None."""
    return None if moment is None else iso(to_ms(moment))
