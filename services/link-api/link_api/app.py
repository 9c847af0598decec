"""The parts of the link API, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common import postgres, redis
from codeqr_common.auth.gate import Gate
from codeqr_common.auth.limits import RateLimiter
from codeqr_common.auth.usage import KeyUsage
from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.health import Readiness
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import InternalClient, internal_app
from codeqr_common.idempotency import IdempotentCalls
from codeqr_common.redis import ScriptBatch
from codeqr_common.short_links import Register
from link_api.audit import endpoints as audit_endpoints
from link_api.database import Database
from link_api.domains import endpoints as domain_endpoints
from link_api.domains.directory import DomainDirectory
from link_api.domains.records import TxtRecords
from link_api.domains.service import DomainService
from link_api.housekeeping import Housekeeping, Kept, chores
from link_api.keys import endpoints as key_endpoints
from link_api.keys.service import KeyService
from link_api.links import endpoints as link_endpoints
from link_api.links.assembly import link_service
from link_api.links.representation import Representation
from link_api.links.validation import checked_url
from link_api.links.webhook_ids import WebhookDirectory
from link_api.outbox.write_through import WriteThrough
from link_api.projects import endpoints as project_endpoints
from link_api.projects.deletion import ProjectDeletion
from link_api.projects.service import ProjectService
from link_api.qr import endpoints as qr_endpoints
from link_api.qr.pool import DrawingPool
from link_api.qr.service import Pictures
from link_api.reference import endpoints as reference_endpoints
from link_api.reference.pages import Reference
from link_api.resolve import endpoints as resolve_endpoints
from link_api.salts import endpoints as salt_endpoints
from link_api.salts.service import SaltService
from link_api.settings import LinkApiSettings
from link_api.tables import CONFLICTS, idempotent_calls
from link_api.tags import endpoints as tag_endpoints
from link_api.tags.service import TagService

BULK_BODY_LIMIT = 4 << 20
LOCK_TIMEOUT_S = 8
"""A call that waits longer for another one is answered 503, and gives its connection back."""
HOT_LOCK_TIMEOUT_S = 0.25
"""Of statements that links of several callers share: a short time, for all of them wait with the one that waits."""
PUBLIC_ROUTERS = (
    link_endpoints.router,
    tag_endpoints.router,
    domain_endpoints.router,
    project_endpoints.router,
    key_endpoints.router,
    key_endpoints.user_router,
    audit_endpoints.router,
    qr_endpoints.router,
    reference_endpoints.router,
)
INTERNAL_ROUTERS = (
    key_endpoints.internal_router,
    resolve_endpoints.internal_router,
    salt_endpoints.internal_router,
    link_endpoints.internal_router,
    project_endpoints.internal_router,
)


class Parts:
    """The services of one process, over one engine and one Redis client."""

    def __init__(self, settings: LinkApiSettings, engine: AsyncEngine, hot: asyncpg.Pool, client: Redis) -> None:
        schemes = frozenset(scheme.lower() for scheme in settings.url_schemes)
        representation = Representation(short_scheme=settings.short_scheme, api_base=settings.api_base)
        self.redis = client
        self.batch = ScriptBatch(client)
        repeats = IdempotentCalls(idempotent_calls, timedelta(hours=settings.idempotent_calls_kept_hours))
        self.database = Database(engine, hot, CONFLICTS, repeats)
        self.webhooks_client = InternalClient(settings.webhooks_internal_url, settings.service_token)
        self.webhooks = WebhookDirectory(self.webhooks_client)
        self.write_through = WriteThrough(Register(client, self.batch))
        self.verifier = KeyVerifier(client, lambda key_hash: self.keys.load(key_hash))
        self.keys = KeyService(self.database, self.verifier, default_limit=settings.rate_limit_default)
        self.usage = KeyUsage(self.keys.note_usage)
        limiter = RateLimiter(self.batch)
        self.gate = Gate(self.verifier, limiter, self.usage)
        self.domain_directory = DomainDirectory(self.database)
        self.links = link_service(
            self.database, self.write_through, representation, self.domain_directory, self.webhooks, schemes
        )
        self.tags = TagService(self.database)
        self.domains = DomainService(
            self.database,
            self.write_through,
            self.domain_directory,
            TxtRecords(settings.domains_resolver),
            check_url=lambda field, value: checked_url(field, value, schemes),
            verify_at_once=settings.domains_verify_at_once,
        )
        self.projects = ProjectService(self.database, self.verifier)
        self.project_deletion = ProjectDeletion(self.database, self.verifier, self.links, self.domains)
        self.salts = SaltService(self.database)
        self.pictures = Pictures(
            DrawingPool(workers=settings.qr_workers, waiting=settings.qr_waiting, limit_s=settings.qr_limit_seconds),
            limiter,
            limit=settings.qr_requests_per_minute,
            trusted=settings.trusted_networks,
            cache_bytes=settings.qr_cache_bytes,
        )
        self.reference = Reference(settings.api_base)
        self.housekeeping = Housekeeping(
            self.database, chores(repeats, kept(settings)), every_s=settings.housekeeping_every_s
        )

    async def check_redis(self) -> None:
        """Raise when Redis does not answer."""
        await self.redis.ping()

    def give_to(self, app: FastAPI) -> FastAPI:
        """Put the parts where the endpoints look for them."""
        names = ("database", "write_through", "gate", "keys", "links", "tags", "domains", "salts")
        for name in (*names, "projects", "project_deletion", "pictures", "reference"):
            setattr(app.state, name, getattr(self, name))
        return app


def kept(settings: LinkApiSettings) -> Kept:
    return Kept(
        unregistered=timedelta(hours=settings.unregistered_events_kept_hours),
        audit=timedelta(days=settings.audit_kept_days),
        usage=timedelta(days=settings.key_usage_kept_days),
    )


@asynccontextmanager
async def open_parts(settings: LinkApiSettings) -> AsyncIterator[Parts]:
    """The parts over connections of their own, which are closed at the end."""
    engine = postgres.create_engine(
        settings.database_url, pool_size=settings.database_pool_size, lock_timeout_s=LOCK_TIMEOUT_S
    )
    hot = await postgres.create_hot_pool(
        settings.database_url, size=settings.hot_pool_size, lock_timeout_s=HOT_LOCK_TIMEOUT_S
    )
    client = redis.connect(settings.redis_url)
    parts = Parts(settings, engine, hot, client)
    try:
        yield parts
    finally:
        await parts.pictures.aclose()
        await parts.webhooks_client.aclose()
        await parts.batch.aclose()
        await client.aclose()
        await hot.close()
        await engine.dispose()


def public_app(parts: Parts) -> FastAPI:
    """What stands behind the gateway."""
    return parts.give_to(create_app("link-api", routers=PUBLIC_ROUTERS, body_limits={"/links/bulk": BULK_BODY_LIMIT}))


def private_app(settings: LinkApiSettings, parts: Parts) -> FastAPI:
    """What our own services call."""
    return parts.give_to(internal_app("link-api-internal", settings.service_token, INTERNAL_ROUTERS))


def api_readiness(parts: Parts) -> Readiness:
    """Redis can be done without. Kafka is not asked: events wait in the outbox while it is away."""
    readiness = Readiness()
    readiness.add("postgres", parts.database.check)
    readiness.add("redis", parts.check_redis, needed=False)
    return readiness
