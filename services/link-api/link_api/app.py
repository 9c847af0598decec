"""The parts of the link API, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common import postgres, redis
from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.health import Readiness
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import internal_app
from codeqr_common.short_links import Register
from link_api.database import Database
from link_api.domains import endpoints as domain_endpoints
from link_api.domains.service import DomainService
from link_api.keys import endpoints as key_endpoints
from link_api.keys.service import KeyService
from link_api.links import endpoints as link_endpoints
from link_api.links.representation import Representation
from link_api.links.service import LinkRules, LinkService
from link_api.links.validation import checked_url
from link_api.outbox.write_through import WriteThrough
from link_api.projects import endpoints as project_endpoints
from link_api.projects.service import ProjectService
from link_api.resolve import endpoints as resolve_endpoints
from link_api.salts import endpoints as salt_endpoints
from link_api.salts.service import SaltService
from link_api.settings import LinkApiSettings
from link_api.tables import CONFLICTS
from link_api.tags import endpoints as tag_endpoints

PUBLIC_ROUTERS = (link_endpoints.router, tag_endpoints.router, domain_endpoints.router)
INTERNAL_ROUTERS = (
    key_endpoints.internal_router,
    resolve_endpoints.internal_router,
    salt_endpoints.internal_router,
    link_endpoints.internal_router,
    project_endpoints.internal_router,
)


class Parts:
    """The services of one process, over one engine and one Redis client."""

    def __init__(self, settings: LinkApiSettings, engine: AsyncEngine, client: Redis) -> None:
        schemes = frozenset(scheme.lower() for scheme in settings.url_schemes)
        representation = Representation(short_scheme=settings.short_scheme, api_base=settings.api_base)
        self.redis = client
        self.database = Database(engine, CONFLICTS)
        self.write_through = WriteThrough(Register(client))
        self.keys = KeyService(self.database)
        self.verifier = KeyVerifier(client, self.keys.load)
        self.links = LinkService(self.database, self.write_through, representation, LinkRules(schemes))
        self.domains = DomainService(
            self.database,
            self.write_through,
            check_url=lambda field, value: checked_url(field, value, schemes),
            verify_at_once=settings.domains_verify_at_once,
        )
        self.projects = ProjectService(self.database)
        self.salts = SaltService(self.database)

    async def check_redis(self) -> None:
        """Raise when Redis does not answer."""
        await self.redis.ping()

    def give_to(self, app: FastAPI) -> FastAPI:
        """Put the parts where the endpoints look for them."""
        for name in ("database", "write_through", "verifier", "keys", "links", "domains", "projects", "salts"):
            setattr(app.state, name, getattr(self, name))
        return app


@asynccontextmanager
async def open_parts(settings: LinkApiSettings) -> AsyncIterator[Parts]:
    """The parts over connections of their own, which are closed at the end."""
    engine = postgres.create_engine(settings.database_url, pool_size=settings.database_pool_size)
    client = redis.connect(settings.redis_url)
    try:
        yield Parts(settings, engine, client)
    finally:
        await client.aclose()
        await engine.dispose()


def public_app(parts: Parts) -> FastAPI:
    """What stands behind the gateway."""
    return parts.give_to(create_app("link-api", routers=PUBLIC_ROUTERS))


def private_app(settings: LinkApiSettings, parts: Parts) -> FastAPI:
    """What our own services call."""
    return parts.give_to(internal_app("link-api-internal", settings.service_token, INTERNAL_ROUTERS))


def api_readiness(parts: Parts) -> Readiness:
    """Redis can be done without. Kafka is not asked: events wait in the outbox while it is away."""
    readiness = Readiness()
    readiness.add("postgres", parts.database.check)
    readiness.add("redis", parts.check_redis, needed=False)
    return readiness
