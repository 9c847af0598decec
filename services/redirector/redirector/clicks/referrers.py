"""The Referer header as a bare domain."""

from urllib.parse import urlsplit


def bare_domain(referrer: str) -> str | None:
    """The host of a Referer, lower case, without `www.`; None if it has none. Never raises."""
    try:
        parts = urlsplit(referrer.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", "android-app") or not host or len(host) > 253:
        return None
    return host.removesuffix(".").removeprefix("www.") or None
