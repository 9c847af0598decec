"""The role `serve`: answers visitors."""

import asyncio
import time
from contextlib import suppress
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from codeqr_common.health import Readiness
from codeqr_common.http.internal import InternalClient, NotFound
from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger
from codeqr_common.redis import connect
from codeqr_common.service import Listener, configure, run
from codeqr_common.short_links import DomainEntry, LinkEntry, Register
from redirector.app import RedirectApp
from redirector.cache import EntryCache
from redirector.clicks.recorder import Recorder
from redirector.clicks.spool import Spool, SpoolBusy
from redirector.follower import Follower
from redirector.pages import Pages
from redirector.resolver import LinkName, Resolver
from redirector.settings import RedirectorSettings

log = get_logger(__name__)
MAINTAIN_S = 1.0
SPOOL_WAIT_S = 10.0
"""How long a new redirector waits for the one before it to be gone."""


async def serve(settings: RedirectorSettings) -> None:
    """Answer on the public port until asked to stop. The port is shared with the other redirectors of this machine."""
    configure("redirector", settings)
    spool = await _open_spool(settings)
    redis = connect(settings.redis_url, timeout_s=settings.redis_timeout_seconds)
    link_api = InternalClient(
        settings.link_api_internal_url, settings.service_token, timeout_s=settings.resolve_timeout_seconds
    )
    follower, resolver = _resolving(settings, Register(redis), link_api)
    recorder = Recorder(spool, settings.trusted_networks, trust_edge_headers=settings.trust_edge_headers)
    app = RedirectApp(resolver, recorder, Pages())
    try:
        await run(
            settings,
            listeners=[Listener(app, settings.host, settings.port, reuse_port=True)],
            tasks={"follower": follower.run, "spool": partial(_maintain, spool)},
            readiness=readiness_of(spool, follower, redis, link_api),
        )
    finally:
        spool.close()
        await link_api.aclose()
        with suppress(RedisError, OSError):  # an engine that is away must not spoil a clean end
            await redis.aclose()


class NotReady(Exception):
    """What is missing, in a few words."""


def readiness_of(spool: Spool, follower: Follower, redis: Redis, link_api: InternalClient) -> Readiness:
    """A redirector that can write its clicks is ready: with any of the rest it knows what to answer."""

    async def writable() -> None:
        if problem := spool.problem():
            raise NotReady(f"clicks are lost: {problem}")

    async def following() -> None:
        if not follower.following:
            raise NotReady("link events are not followed")

    async def answering() -> None:
        await redis.ping()

    async def reachable() -> None:
        with suppress(NotFound):  # there is nothing: it costs link-api nothing to say so
            await link_api.get_bytes("/internal")

    readiness = Readiness()
    readiness.add("spool", writable)
    readiness.add("link events", following, needed=False)
    readiness.add("redis", answering, needed=False)
    readiness.add("link-api", reachable, needed=False)
    return readiness


def _resolving(settings: RedirectorSettings, register: Register, link_api: InternalClient) -> tuple[Follower, Resolver]:
    """The resolver and the follower that keeps it fresh; entries live shorter while it cannot."""

    def ttl_s() -> float:
        return settings.cache_seconds if follower.following else settings.cache_unfollowed_seconds

    domains: EntryCache[str, DomainEntry] = EntryCache(settings.cache_domains, ttl_s)
    links: EntryCache[LinkName, LinkEntry] = EntryCache(settings.cache_links, ttl_s)
    resolver = Resolver(register, link_api, domains, links)
    follower = Follower(settings.kafka_bootstrap, resolver.apply, resolver.doubt_all)
    return follower, resolver


async def _open_spool(settings: RedirectorSettings) -> Spool:
    deadline = time.monotonic() + SPOOL_WAIT_S
    while True:
        try:
            return Spool(
                settings.spool_dir,
                limit_bytes=settings.spool_limit_bytes,
                segment_bytes=settings.segment_bytes,
                segment_seconds=settings.segment_seconds,
            )
        except SpoolBusy:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def _maintain(spool: Spool, stop: asyncio.Event) -> None:
    while not await wait(stop, MAINTAIN_S):
        spool.maintain()
