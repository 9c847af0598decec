"""Settings of this service; the only place that reads its environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import field_validator

from codeqr_common.settings import CommaList, Settings

Network = IPv4Network | IPv6Network


class WebhooksSettings(Settings):
    """What this service may be told, besides what every service may be."""

    webhook_allowed_networks: CommaList = ()
    """Networks (CIDR) that endpoints may live in although they are not public. Local runs allow loopback."""
    webhook_allow_http: bool = False
    """Whether endpoints may be plain http."""
    webhook_retry_delays: CommaList = ("5", "300", "1800", "7200", "18000", "36000", "50400", "72000", "86400")
    """Seconds from a failed attempt to the next one; after as many retries a delivery has failed (contract 6.3)."""
    webhook_timeout_s: float = 15.0
    """How long an attempt may take in all."""
    webhook_concurrency: int = 500
    """Attempts that one process has under way at most."""
    webhook_endpoint_concurrency: int = 10
    """Attempts to one endpoint that one process has under way at most: what a slow endpoint can hold."""

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text)
        return value

    @field_validator("webhook_retry_delays")
    @classmethod
    def _are_seconds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(float(text) <= 0 for text in value):
            raise ValueError("a delay must be more than 0 seconds")
        return value

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(text) for text in self.webhook_allowed_networks)

    @property
    def retry_delays_s(self) -> tuple[float, ...]:
        return tuple(float(text) for text in self.webhook_retry_delays)
