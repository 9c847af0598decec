"""Distinct visitors, without knowing anybody: a keyed hash that nobody can redo once the day's salt is destroyed."""

import hashlib
from datetime import UTC, datetime

SALT_LIFE_MS = 48 * 3600 * 1000
HASH_BYTES = 16


def visitor_hash(salt: bytes, address: str, user_agent: str) -> str:
    """32 hex digits for an address and a user agent under the salt of a day."""
    told = f"{address}\n{user_agent}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=HASH_BYTES, key=salt[:64]).hexdigest()


def utc_day(time_ms: int) -> str:
    """`2025-09-06` for milliseconds since the epoch."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def is_destroyed(day: str, now_ms: int) -> bool:
    """Whether the salt of a UTC day is destroyed: 48 h after the day began. Who remembers it must not use it."""
    return day <= utc_day(now_ms - SALT_LIFE_MS)
