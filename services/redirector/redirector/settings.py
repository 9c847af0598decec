"""What a redirector or a sender may be told. The only module of this package that reads the environment."""

from pathlib import Path

from codeqr_common.settings import Settings


class RedirectorSettings(Settings):
    """Of both roles; a sender runs with the same `CODEQR_SPOOL_DIR` as its redirector."""

    spool_dir: Path
    """One directory per redirector. Made at the first start; its id belongs to the clicks in it."""
    spool_limit_bytes: int = 8 << 30
    """Beyond this, clicks are lost (counted, logged) and redirects go on."""
    segment_bytes: int = 64 << 20
    segment_seconds: float = 60.0
    """A segment with clicks in it is closed after this, so that what is sent gets deleted, addresses included."""

    trust_edge_headers: bool = False
    """Believe the place in `CF-IPCountry`, `CF-Region` and `CF-IPCity`. Only behind an edge that sets them itself."""
    geo_mmdb: Path | None = None
    """A GeoIP2/GeoLite2 City file; without it only the country is known."""

    cache_seconds: float = 8.0
    """How long a local entry may answer while link events are followed: only the backstop."""
    cache_unfollowed_seconds: float = 3.0
    """The same while link events cannot be followed; with the relay's own delay it must stay under 10 s."""
    cache_links: int = 200_000
    cache_domains: int = 20_000
    redis_timeout_seconds: float = 0.05
    resolve_timeout_seconds: float = 0.25
    """For link-api's answer, which comes from its database."""

    batch_clicks: int = 1000
    drain_seconds: float = 5.0
    """How long a sender that was asked to stop goes on sending what is there."""
