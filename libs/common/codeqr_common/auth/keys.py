"""API keys: `codeqr_<random>` (secret) and `codeqr_pk_<random>` (publishable). Only their SHA-256 is ever stored."""

import hashlib
import secrets

import msgspec

SECRET_PREFIX = "codeqr_"  # noqa: S105 - the form of a key, not a key
PUBLISHABLE_PREFIX = "codeqr_pk_"
RANDOM_BYTES = 32

SCOPES = (
    "links.read",
    "links.write",
    "qrcodes.read",
    "qrcodes.write",
    "analytics.read",
    "conversions.write",
    "tags.read",
    "tags.write",
    "domains.read",
    "domains.write",
    "webhooks.read",
    "webhooks.write",
    "customers.read",
    "customers.write",
    "projects.read",
    "tokens.read",
    "tokens.write",
)


class KeyIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """Who a key is: what services need to accept or refuse a call. Holds no secret."""

    key_id: str
    project_id: str
    project_slug: str
    user_id: str
    scopes: tuple[str, ...]
    rate_limit: int
    """Requests a minute; 0 = unlimited."""
    expires_at_ms: int | None = None
    publishable: bool = False
    secret_hash: str = ""
    """Of the secret by which the key was shown: a key in rotation has two."""


def new_key(*, publishable: bool = False) -> str:
    """A new key of 256 random bits. Show it once; keep `hash_key(key)`."""
    prefix = PUBLISHABLE_PREFIX if publishable else SECRET_PREFIX
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def hash_key(key: str) -> str:
    """Lower-case hex SHA-256 of the key. Plain, for the key itself has 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
