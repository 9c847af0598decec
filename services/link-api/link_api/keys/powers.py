"""What a key may do, and the rule that no key makes or changes one that may do more (contract 1.1)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from codeqr_common import errors
from codeqr_common.auth.keys import SCOPES
from link_api.clock import iso_or_none

PRESETS = {"all": SCOPES, "read": tuple(scope for scope in SCOPES if scope.endswith(".read"))}
PUBLISHABLE_SCOPES = ("conversions.write",)
UNLIMITED = 0


class Powers(NamedTuple):
    """`rate_limit`: requests a minute, 0 = unlimited. `expires_at`: None = never."""

    scopes: Sequence[str]
    rate_limit: int
    expires_at: datetime | None


def expanded(scopes: Sequence[str]) -> tuple[str, ...]:
    """Scopes with presets resolved, each once, in the usual order. Raises `ValueError` for one that is unknown."""
    found: set[str] = set()
    for scope in scopes:
        if scope not in PRESETS and scope not in SCOPES:
            raise ValueError(f"{scope[:50]} is no scope")
        found.update(PRESETS.get(scope, (scope,)))
    return tuple(scope for scope in SCOPES if scope in found)


def lower_limit(one: int, other: int) -> int:
    """The stricter of two rate limits."""
    return max(one, other) if UNLIMITED in (one, other) else min(one, other)


def check_rank(maker: Powers, other: Powers) -> None:
    """Raise 403 when `other` may do anything that `maker`, who wants to make or change it, may not."""
    if missing := next((scope for scope in other.scopes if scope not in maker.scopes), None):
        raise _outranked(f"lacks the scope {missing}", "has it")
    if maker.rate_limit != UNLIMITED and not UNLIMITED < other.rate_limit <= maker.rate_limit:
        raise _outranked(f"is limited to {maker.rate_limit} requests a minute", "has a higher limit")
    if maker.expires_at is not None and (other.expires_at is None or other.expires_at > maker.expires_at):
        raise _outranked(f"works until {iso_or_none(maker.expires_at)}", "works longer")


def _outranked(has: str, other: str) -> errors.ApiError:
    return errors.forbidden(f"This API key {has}, so it cannot make or change a key that {other}.")
