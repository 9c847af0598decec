"""Settings from the environment. Each service subclasses `Settings` in its own `settings.py`: nothing else reads it."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list written as `a,b,c` in the environment."""


class Settings(BaseSettings):
    """What every process may be told, as `CODEQR_<NAME>`. URLs are the only way engines are chosen."""

    model_config = SettingsConfigDict(env_prefix="CODEQR_", extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    database_url: str = "postgresql://codeqr@127.0.0.1:5432/codeqr"
    redis_url: str = "redis://127.0.0.1:6379/0"
    service_token: SecretStr
    """Shared by our services; opens their internal listeners."""
    link_api_internal_url: str = "http://127.0.0.1:8411"
    webhooks_internal_url: str = "http://127.0.0.1:8431"
    api_base: str = "http://127.0.0.1:8400"
    """Where callers reach the API; used in `qrCode` and `doc_url`."""
    short_scheme: Literal["http", "https"] = "https"

    trusted_proxies: CommaList = ()
    """CIDRs whose `X-Forwarded-For` is believed."""

    host: str = "127.0.0.1"
    port: int = 8080
    internal_port: int = 8081
    admin_port: int = 8082
    instance: str = ""
    """The name of this process among its like, e.g. `redirector-0`; in logs, metrics and traces."""
    log_format: Literal["json", "console"] = "json"
    log_level: str = "INFO"

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text, strict=False)
        return value

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies`, parsed."""
        return tuple(ip_network(text, strict=False) for text in self.trusted_proxies)

    @property
    def docs_base(self) -> str:
        """The page that explains the error codes."""
        return f"{self.api_base.rstrip('/')}/docs/errors"
