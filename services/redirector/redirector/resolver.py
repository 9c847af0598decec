"""Which domain and link a request is for: local cache, then Redis, then link-api (design, flow 2)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from redis.exceptions import RedisError

from codeqr_common.events.links import DomainEvent, LinkEvent
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger
from codeqr_common.short_links import (
    DomainEntry,
    LinkEntry,
    RedirectDomain,
    RedirectLink,
    Register,
    Resolution,
    fold_key,
)
from redirector import metrics
from redirector.cache import EntryCache

log = get_logger(__name__)
LinkName = tuple[str, str]
"""Domain and folded key."""
ASK_AGAIN = 3
"""How often link-api is asked when an event that is newer than its answer came meanwhile."""
Asked = tuple[tuple[str, ...], str | None]


class CannotKnow(Exception):
    """Nobody who could tell answers, and nothing is remembered."""


@dataclass(frozen=True)
class Found:
    """The domain of a request and the link on it. No domain: an unknown or unverified host."""

    domain: RedirectDomain | None
    link: RedirectLink | None = None


UNKNOWN_HOST = Found(None)


class Resolver:
    """Answers from memory while it can. Concurrent questions for the same thing are one question behind it."""

    def __init__(
        self,
        register: Register,
        link_api: InternalClient,
        domains: EntryCache[str, DomainEntry],
        links: EntryCache[LinkName, LinkEntry],
    ) -> None:
        self._register = register
        self._link_api = link_api
        self._domains = domains
        self._links = links
        self._running: dict[Asked, asyncio.Task[Found]] = {}

    async def resolve(self, slugs: tuple[str, ...], key: str | None) -> Found:
        """The first of `slugs` that is a verified domain, and its link at `key` (None: only the domain matters).

        Raises `CannotKnow`: then nothing is said about the link, least of all that there is none.
        """
        if not slugs:
            return UNKNOWN_HOST
        folded = None if key is None else fold_key(key)
        found = self._assemble(slugs, folded, self._domains.fresh, self._links.fresh)
        if found is not None:
            metrics.LOOKUPS.labels("memory").inc()
            return found
        asked = (slugs, folded)
        task = self._running.get(asked)
        if task is None:
            task = asyncio.ensure_future(self._ask(slugs, folded, key or ""))
            self._running[asked] = task
            task.add_done_callback(lambda done: self._finished(asked, done))
        return await asyncio.shield(task)  # a visitor who leaves must not cancel the others' answer

    def apply(self, event: LinkEvent | DomainEvent) -> None:
        """Drop what an event says has changed, "there is no such link" too."""
        if isinstance(event, DomainEvent):
            self._domains.changed(event.domain.slug, event.version)
            return
        names = [(event.link.domain, event.link.key)]
        if event.previous is not None:
            names.append((event.previous.domain, event.previous.key))
        for domain, key in names:
            self._links.changed((domain, fold_key(key)), event.version)

    def doubt_all(self) -> None:
        """Events may have been missed: ask again for everything."""
        self._domains.expire_all()
        self._links.expire_all()

    def _assemble(
        self,
        slugs: Sequence[str],
        folded: str | None,
        domain_of: Callable[[str], DomainEntry | None],
        link_of: Callable[[LinkName], LinkEntry | None],
    ) -> Found | None:
        """What entries say; None if one that is needed is missing."""
        for slug in slugs:
            entry = domain_of(slug)
            if entry is None:
                return None
            if entry.domain is None or not entry.domain.verified:
                continue
            if folded is None:
                return Found(entry.domain)
            link = link_of((slug, folded))
            return None if link is None else Found(entry.domain, link.link)
        return UNKNOWN_HOST

    def _finished(self, asked: Asked, task: asyncio.Task[Found]) -> None:
        self._running.pop(asked, None)
        if not task.cancelled():
            task.exception()  # seen, even if every visitor has left

    async def _ask(self, slugs: tuple[str, ...], folded: str | None, key: str) -> Found:
        return (
            await self._ask_register(slugs, folded)
            or await self._ask_link_api(slugs, folded, key)
            or self._remember(slugs, folded)
        )

    async def _ask_register(self, slugs: tuple[str, ...], folded: str | None) -> Found | None:
        try:
            domains, links = await self._register.get(slugs, folded or "")
        except (RedisError, OSError, TimeoutError, msgspec.DecodeError) as error:
            log.debug("the register does not answer", error=str(error))
            return None
        for slug, domain in zip(slugs, domains, strict=True):
            if domain is not None and self._domains.accepts(slug, domain):
                self._domains.put(slug, domain)
        for slug, link in zip(slugs, links, strict=True):
            if folded is not None and link is not None and self._links.accepts((slug, folded), link):
                self._links.put((slug, folded), link)
        found = self._assemble(slugs, folded, self._domains.fresh, self._links.fresh)
        if found is not None:
            metrics.LOOKUPS.labels("register").inc()
        return found

    async def _ask_link_api(self, slugs: tuple[str, ...], folded: str | None, key: str) -> Found | None:
        """An answer that is older than an event that came while it was on its way is asked for again.

        The last answer is taken as it is: link-api's database was asked after that event. It is asked for the key as
        given, for it folds by itself, and folding twice is not always folding once.
        """
        for left in reversed(range(ASK_AGAIN)):
            try:
                answer = await self._link_api.get_bytes("/internal/resolve", {"host": slugs[0], "key": key})
                resolution = msgspec.json.decode(answer, type=Resolution)
            except (ServiceUnavailable, NotFound, msgspec.DecodeError) as error:
                log.debug("link-api does not answer", error=str(error))
                return None
            if left and not self._is_new_enough(resolution, folded):
                continue
            for slug, domain in resolution.domains.items():
                self._domains.put(slug, domain)
            if folded is not None:
                for slug, link in resolution.links.items():
                    self._links.put((slug, folded), link)
            break
        metrics.LOOKUPS.labels("link-api").inc()
        return self._assemble(slugs, folded, resolution.domains.get, lambda name: resolution.links.get(name[0]))

    def _is_new_enough(self, resolution: Resolution, folded: str | None) -> bool:
        return all(self._domains.accepts(slug, entry) for slug, entry in resolution.domains.items()) and (
            folded is None
            or all(self._links.accepts((slug, folded), entry) for slug, entry in resolution.links.items())
        )

    def _remember(self, slugs: tuple[str, ...], folded: str | None) -> Found:
        found = self._assemble(slugs, folded, self._domains.stale, self._links.stale)
        if found is None:
            metrics.LOOKUPS.labels("none").inc()
            raise CannotKnow
        metrics.LOOKUPS.labels("stale").inc()
        return found
