"""Puts the parts of an analytics process together."""

from dataclasses import dataclass

from fastapi import FastAPI
from redis.asyncio import Redis

from analytics.clickhouse.client import ClickHouse
from analytics.clicks import endpoints as clicks
from analytics.clicks.stream import ClickStream
from analytics.ingest.worker import Ingestion
from analytics.queries import endpoints as queries
from analytics.queries.figures import Figures
from analytics.settings import AnalyticsSettings
from codeqr_common.auth.gate import Gate, remote_gate
from codeqr_common.auth.usage import KeyUsage, remote_report
from codeqr_common.health import Readiness
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import InternalClient, internal_app
from codeqr_common.redis import connect


@dataclass
class Analytics:
    """What a process of this service holds; `close` gives all of it back."""

    settings: AnalyticsSettings
    readiness: Readiness
    clickhouse: ClickHouse
    redis: Redis
    link_api: InternalClient
    usage: KeyUsage
    gate: Gate

    @classmethod
    def open(cls, settings: AnalyticsSettings) -> "Analytics":
        """Make the parts; nothing is connected to yet, so nothing needs to be there."""
        clickhouse = ClickHouse(
            settings.clickhouse_url,
            query_clients=settings.query_clients,
            query_limit_s=settings.query_limit_s,
            insert_limit_s=settings.insert_limit_s,
        )
        readiness = Readiness()
        readiness.add("clickhouse", clickhouse.check)
        link_api = InternalClient(settings.link_api_internal_url, settings.service_token)
        redis = connect(settings.redis_url)
        usage = KeyUsage(remote_report(link_api))
        return cls(settings, readiness, clickhouse, redis, link_api, usage, remote_gate(redis, link_api, usage))

    def ingestion(self) -> Ingestion:
        """The worker that follows click.events."""
        return Ingestion(self.clickhouse, self.settings.kafka_bootstrap, self.readiness)

    def public(self) -> FastAPI:
        """What the gateway routes here."""
        app = create_app("analytics", routers=[queries.router(Figures(self.clickhouse))])
        app.state.gate = self.gate
        return app

    def internal(self) -> FastAPI:
        """What our own services and tools may ask."""
        routers = [clicks.router(ClickStream(self.clickhouse))]
        return internal_app("analytics-internal", self.settings.service_token, routers)

    async def close(self) -> None:
        """Close every client. The embedded engine lets go of its folder."""
        await self.clickhouse.close()
        await self.link_api.aclose()
        await self.redis.aclose()
