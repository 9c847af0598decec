"""What follows an attempt: success, another try and when, or the end (contract 6.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

JITTER = 0.2
RETRY_AFTER_STATUSES = frozenset({429, 503})
RETRY_AFTER_SLOTS = 2
GONE = 410


@dataclass(frozen=True)
class Delivered:
    """The endpoint took the event."""


@dataclass(frozen=True)
class Retry:
    """The attempt failed; the next one is due in `delay_s` seconds."""

    delay_s: float


@dataclass(frozen=True)
class Failed:
    """The attempt failed, and it was the last one."""


@dataclass(frozen=True)
class Gone:
    """The endpoint says that it is no more (410): the delivery failed, and the endpoint is to be disabled."""


Outcome = Delivered | Retry | Failed | Gone


def outcome_of(
    status: int | None, retry_after_s: float | None, earlier: int, delays_s: Sequence[float], jitter: float
) -> Outcome:
    """What follows an attempt that was answered with `status` (None: no answer), after `earlier` attempts.

    `jitter` is in [-1, 1] and moves the delay by up to 20 %. `retry_after_s` is what the answer asked to wait; a wish
    for less than the slot changes nothing, and one for more is obeyed up to twice the slot.
    """
    if status is not None and 200 <= status < 300:
        return Delivered()
    if status == GONE:
        return Gone()
    if earlier >= len(delays_s):
        return Failed()
    slot = delays_s[earlier]
    delay = slot * (1 + JITTER * jitter)
    if status in RETRY_AFTER_STATUSES and retry_after_s is not None:
        delay = max(delay, min(retry_after_s, slot * RETRY_AFTER_SLOTS))
    return Retry(delay)


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Seconds that a `Retry-After` asks to wait, given as seconds or as a date; None where it makes no sense."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - now_s)
