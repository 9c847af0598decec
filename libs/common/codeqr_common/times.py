"""Times: milliseconds since the epoch inside, ISO 8601 in UTC with milliseconds and `Z` outside."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def iso(milliseconds: int) -> str:
    """`2025-09-06T12:21:07.873Z` for milliseconds since the epoch."""
    seconds, rest = divmod(milliseconds, 1000)
    # Not strftime, which writes the year 284 with three digits.
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, cut (not rounded) to the millisecond."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000
