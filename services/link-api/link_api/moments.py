"""Times as callers send them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

LAST_YEAR = 9000
NO_TIME = "is not a time such as 2026-12-31T23:59:59Z"


def _text_only(value: Any) -> Any:
    """Only texts are times: a number could be seconds or milliseconds."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and _is_number(value)):
        raise ValueError(NO_TIME)
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_utc(value: datetime) -> datetime:
    """In UTC, which is also meant when no zone is named, and cut to the millisecond."""
    if value.year > LAST_YEAR:
        raise ValueError("is too far away")
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).replace(microsecond=aware.microsecond // 1000 * 1000)
    except OverflowError as error:
        raise ValueError(NO_TIME) from error


Moment = Annotated[datetime, BeforeValidator(_text_only), AfterValidator(_in_utc)]
"""An ISO 8601 time, in UTC."""
