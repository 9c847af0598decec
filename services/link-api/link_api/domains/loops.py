"""A domain's own URLs may not lead back to what they stand in for, in one hop or two (contract 2.2).

`rootUrl` stands in for the root, `notFoundUrl` for every key that is no link, `expiredUrl` for links that have expired
and name no URL of their own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from codeqr_common import errors
from link_api import clock
from link_api.database import Database
from link_api.domains import repository
from link_api.hosts import slugs_of
from link_api.links.loops import name_of
from link_api.links.names import Name
from link_api.links.values import targets

SHOWN = {"root_url": "rootUrl", "not_found_url": "notFoundUrl", "expired_url": "expiredUrl"}
Links = Mapping[Name, Mapping[str, Any]]
"""Short links that are there, by their name on the domain that holds them."""


class DomainLoops:
    """Refuses URLs of a domain by which it would lead to itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self, slug: str, urls: Mapping[str, Any]) -> None:
        """`urls`: the three URLs as they are about to be. Raises 422 for one that leads back."""
        named = {field: name for field in SHOWN if (url := urls[field]) and (name := name_of(url))}
        if not named:
            return
        domain = _Domain(slug, urls)
        first = await self._links_at(named.values())
        elsewhere = await self._urls_of(named.values())
        beyond = {field: _beyond(domain, name, first, elsewhere) for field, name in named.items()}
        second = await self._links_at(name for names in beyond.values() for name in names)
        for field, name in named.items():
            if domain.stands_in(field, name, first) or (field == "expired_url" and domain.lacks(name, first)):
                raise errors.unprocessable_entity(f"{SHOWN[field]}: leads back to this domain")
            if any(domain.stands_in(field, each, second) for each in beyond[field]):
                raise errors.unprocessable_entity(f"{SHOWN[field]}: leads back to this domain in two steps")

    async def _links_at(self, names: Iterable[Name]) -> Links:
        asked = sorted({(slug, name.folded) for name in names for slug in slugs_of(name.domain) if name.folded})
        if not asked:
            return {}
        async with self._database.reading() as connection:
            rows = await repository.links_at(connection, asked)
        return {Name(row["domain"], row["key_folded"]): row for row in rows}

    async def _urls_of(self, names: Iterable[Name]) -> Mapping[str, Mapping[str, Any]]:
        slugs = sorted({slug for name in names for slug in slugs_of(name.domain)})
        async with self._database.reading() as connection:
            return {row["slug"]: row for row in await repository.urls_of(connection, slugs)}


class _Domain:
    """The domain whose URLs are checked."""

    def __init__(self, slug: str, urls: Mapping[str, Any]) -> None:
        self.slug = slug
        self.urls = urls

    def stands_in(self, field: str, name: Name, links: Links) -> bool:
        """Whether a visitor of `name` is sent to the URL in `field`."""
        if not self.is_on(name):
            return False
        if field == "root_url":
            return not name.folded
        if field == "not_found_url":
            return self.lacks(name, links)
        link = links.get(Name(self.slug, name.folded))
        return link is not None and not link["expired_url"] and _is_over(link)

    def lacks(self, name: Name, links: Links) -> bool:
        """Whether `name` is a key of this domain at which there is no link."""
        return self.is_on(name) and bool(name.folded) and Name(self.slug, name.folded) not in links

    def is_on(self, name: Name) -> bool:
        return self.slug in slugs_of(name.domain)


def _beyond(domain: _Domain, name: Name, links: Links, elsewhere: Mapping[str, Mapping[str, Any]]) -> list[Name]:
    """What a visitor of `name` may be sent to."""
    for slug in slugs_of(name.domain):
        link = links.get(Name(slug, name.folded))
        own = domain.urls if slug == domain.slug else elsewhere.get(slug)
        if link is not None:
            return [found for _, url in targets(dict(link)) if (found := name_of(url))]
        if own is not None:
            url = own["not_found_url" if name.folded else "root_url"]
            return [found] if url and (found := name_of(url)) else []
    return []


def _is_over(link: Mapping[str, Any]) -> bool:
    return link["expires_at"] is not None and link["expires_at"] <= clock.now()
