"""Our own processes: commands, ports and the environment that each gets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codeqr_local import readiness
from codeqr_local.ports import LOOPBACK, Ports
from codeqr_local.process import ProcessSpec, StopStage
from codeqr_local.settings import Settings

MIGRATE_LINKS = "migrate-links"
MIGRATE_WEBHOOKS = "migrate-webhooks"
TOPICS = "topics"


@dataclass(frozen=True)
class Addresses:
    """Where a service finds engines, other services and itself; URLs."""

    kafka_bootstrap: str
    database_url: str
    redis_url: str
    clickhouse_url: str
    api: str
    short_domain: str
    link_api_internal: str
    analytics_internal: str
    webhooks_internal: str


def common_environment(settings: Settings, addresses: Addresses, service_token: str) -> dict[str, str]:
    """What every process of ours gets. What the person set in the environment wins over a mere default."""
    defaults = {
        "CODEQR_LOG_FORMAT": "json",
        "CODEQR_LOG_LEVEL": "info",
        "CODEQR_DOMAINS_VERIFY_AT_ONCE": "true",
        "CODEQR_TRUSTED_PROXIES": "127.0.0.0/8",
        "CODEQR_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        "CODEQR_WEBHOOK_ALLOW_HTTP": "true",
    }
    fixed = {
        "PYTHONUNBUFFERED": "1",
        "CODEQR_KAFKA_BOOTSTRAP": addresses.kafka_bootstrap,
        "CODEQR_DATABASE_URL": addresses.database_url,
        "CODEQR_REDIS_URL": addresses.redis_url,
        "CODEQR_CLICKHOUSE_URL": addresses.clickhouse_url,
        "CODEQR_SERVICE_TOKEN": service_token,
        "CODEQR_LINK_API_INTERNAL_URL": addresses.link_api_internal,
        "CODEQR_ANALYTICS_INTERNAL_URL": addresses.analytics_internal,
        "CODEQR_WEBHOOKS_INTERNAL_URL": addresses.webhooks_internal,
        "CODEQR_API_BASE": addresses.api,
        "CODEQR_SHORT_SCHEME": "http",
        "CODEQR_SHARED_DOMAINS": addresses.short_domain,
        "CODEQR_HOST": LOOPBACK,
    }
    return {**defaults, **settings.inherited, **fixed}


def specs(home: Path, ports: Ports, redirectors: int, environment: Mapping[str, str]) -> list[ProcessSpec]:
    """Every process of ours."""

    def one(
        name: str,
        command: tuple[str, ...],
        admin: int,
        after: tuple[str, ...],
        *,
        public: int | None = None,
        internal: int | None = None,
        stage: StopStage = StopStage.SERVICE,
        more: Mapping[str, str] | None = None,
    ) -> ProcessSpec:
        own = {"CODEQR_INSTANCE": name, "CODEQR_ADMIN_PORT": str(admin), **(more or {})}
        own |= {"CODEQR_PORT": str(public)} if public else {}
        own |= {"CODEQR_INTERNAL_PORT": str(internal)} if internal else {}
        return ProcessSpec(
            name=name,
            command=(sys.executable, "-m", *command),
            environment={**environment, **own},
            ready=readiness.http(f"http://{LOOPBACK}:{admin}/readyz"),
            stage=stage,
            after=frozenset(after),
            ports=tuple(port for port in (public, internal, admin) if port),
        )

    links = ("postgres", "redis", MIGRATE_LINKS)
    found = [
        one("link-api", ("link_api", "api"), ports["link-api-admin"], links, public=ports["link-api"],
            internal=ports["link-api-internal"]),
        one("outbox-relay", ("link_api", "relay"), ports["outbox-relay-admin"], (*links, TOPICS)),
        one("counters", ("link_api", "counters"), ports["counters-admin"], (*links, TOPICS)),
        one("analytics", ("analytics", "serve"), ports["analytics-admin"], (TOPICS, "clickhouse", "redis"),
            public=ports["analytics"], internal=ports["analytics-internal"]),
        one("webhooks", ("webhooks", "serve"), ports["webhooks-admin"],
            ("postgres", "redis", MIGRATE_WEBHOOKS, TOPICS), public=ports["webhooks"],
            internal=ports["webhooks-internal"]),
    ]  # fmt: skip
    for index in range(redirectors):
        spool = {"CODEQR_SPOOL_DIR": str(home / "spool" / f"redirector-{index}")}
        found.append(
            one(f"redirector-{index}", ("redirector", "serve"), ports.numbered("redirector-admin", index),
                ("redis", TOPICS), public=ports["redirector"], stage=StopStage.REDIRECTOR, more=spool)
        )  # fmt: skip
        found.append(
            one(f"sender-{index}", ("redirector", "send"), ports.numbered("sender-admin", index), (TOPICS,),
                stage=StopStage.SENDER, more=spool)
        )  # fmt: skip
    return found
