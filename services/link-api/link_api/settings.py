"""What the link API reads from the environment; nothing else in this package does."""

from codeqr_common.settings import CommaList, Settings


class LinkApiSettings(Settings):
    """Settings of all roles of this service."""

    shared_domains: CommaList = ()
    """Slugs of the domains that every project may use, the default one first. Made at migration and at start."""
    domains_verify_at_once: bool = False
    """Take new domains as verified, and allow a port in a slug: for local runs only."""
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
