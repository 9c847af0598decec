"""API keys as the API shows them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from link_api.clock import iso_or_none
from link_api.keys.schemas import DayUsage, NewToken, Token, TokenUsage
from link_api.rows import Row

USAGE_DAYS = 30


def token_of(row: Row, requests: Mapping[date, int], moment: datetime) -> Token:
    """`requests`: those of the key, by day."""
    return Token(
        id=row["id"],
        name=row["name"],
        scopes=list(row["scopes"]),
        last_four=row["last_four"],
        publishable=row["publishable"],
        rate_limit=row["rate_limit"],
        expires_at=iso_or_none(row["expires_at"]),
        last_used=iso_or_none(row["last_used"]),
        previous_until=iso_or_none(previous_until(row, moment)),
        user_id=row["user_id"],
        project_id=row["project_id"],
        created_at=iso_or_none(row["created_at"]) or "",
        updated_at=iso_or_none(row["updated_at"] or row["created_at"]) or "",
        usage=usage_of(requests, moment.date()),
    )


def with_secret(token: Token, secret: str) -> NewToken:
    return NewToken(**{name: getattr(token, name) for name in token.__struct_fields__}, token=secret)


def without_secret(token: NewToken) -> NewToken:
    """What a repeat of the call that made the secret is answered."""
    return NewToken(**{name: getattr(token, name) for name in Token.__struct_fields__})


def previous_until(row: Row, moment: datetime) -> datetime | None:
    """Until when the older secret of a key works; None when none does."""
    until: datetime | None = row["previous_until"] if row["previous_hash"] else None
    return until if until is not None and until > moment else None


def usage_of(requests: Mapping[date, int], today: date) -> TokenUsage:
    """Every day is there, the oldest first."""
    dates = [today - timedelta(days=back) for back in reversed(range(USAGE_DAYS))]
    days = [DayUsage(day.isoformat(), requests.get(day, 0)) for day in dates]
    return TokenUsage(sum(day.requests for day in days), days)
