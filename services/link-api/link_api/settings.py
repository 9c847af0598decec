"""What the link API reads from the environment; nothing else in this package does."""

from typing import Annotated

from pydantic import Field

from codeqr_common.settings import CommaList, Settings


class LinkApiSettings(Settings):
    """Settings of all roles of this service."""

    shared_domains: CommaList = ()
    """Slugs of the domains that every project may use, the default one first. Made at migration and at start."""
    domains_verify_at_once: bool = False
    """Take new domains as verified, and allow a port in a slug: for local runs only."""
    domains_resolver: CommaList = ()
    """DNS resolvers that are asked for verification records, as `address` or `address:port`. None: the system's own."""
    url_schemes: CommaList = (
        "mailto",
        "tel",
        "sms",
        "geo",
        "facetime",
        "whatsapp",
        "tg",
        "market",
        "intent",
        "itms-apps",
    )
    """Schemes of targets that are allowed besides http and https."""
    database_pool_size: int = 10
    hot_pool_size: int = 10
    """Connections for single statements on hot paths, besides those of `database_pool_size`."""
    rate_limit_default: int = 3_000
    """Requests a minute of a new key that asks for no limit of its own."""

    housekeeping_every_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds between two rounds in which what is out of date is removed."""
    idempotent_calls_kept_hours: Annotated[float, Field(gt=0)] = 24.0
    """How long a POST with an `Idempotency-Key` can be repeated. The contract says 24."""
    unregistered_events_kept_hours: Annotated[float, Field(ge=25)] = 25.0
    """How long events that Kafka has wait for a Redis that is away. Not under 25: what Redis held before lives 24."""
    audit_kept_days: Annotated[float, Field(gt=0)] = 365.0
    """How long `/audit` remembers."""
    key_usage_kept_days: Annotated[float, Field(ge=31)] = 31.0
    """How long the usage of keys is kept. Not under 31: keys show 30 days."""

    qr_requests_per_minute: int = 600
    """Pictures that one client (an IPv4 address, an IPv6 /64) may ask `GET /qr` for in a minute; 0 is no limit."""
    qr_workers: int = 2
    """Processes that draw, about 30 MB each (the largest WebP takes one to 270 MB for a moment)."""
    qr_waiting: int = 64
    """Drawings that may wait for one of them; beyond that the answer is 503."""
    qr_limit_seconds: float = 10.0
    """How long a drawing may wait, and again how long it may take; then 503. Its process is ended with it."""
    qr_cache_bytes: int = 32 << 20
    """Drawn files kept in memory."""
