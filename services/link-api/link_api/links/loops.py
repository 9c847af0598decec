"""Links may not lead back to themselves: a URL on a short domain of this system is followed one hop (contract 2.2)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from urllib.parse import unquote, urlsplit

from sqlalchemy import Text, func, or_, select, tuple_, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.short_links import fold_key
from link_api.database import Database
from link_api.expiring import Expiring
from link_api.hosts import slugs_of
from link_api.links.names import Name
from link_api.links.values import Values, targets
from link_api.rows import fetch_all
from link_api.tables import domains, links, short_domains, short_links

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
HOSTS_KEPT_S = 5.0
HOSTS_KEPT = 20_000
TARGET_COLUMNS = ("url", "expired_url", "ios", "android", "page_url", "geo", "rules")
Followed = Mapping[Name, Sequence[str]]
"""Where each short link leads."""


class LoopCheck:
    """Refuses URLs by which a link would lead to itself in one or two hops."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._short_hosts: Expiring[str, bool] = Expiring(HOSTS_KEPT_S, HOSTS_KEPT)

    async def check(self, rows: Sequence[Values], connection: AsyncConnection | None = None) -> None:
        """Raises 422 for the first of these links that leads back to itself, whether stored already or about to be."""
        found = await self.loops(rows, connection)
        if found:
            raise errors.unprocessable_entity(f"{found[min(found)]}: leads back to this link")

    async def loops(self, rows: Sequence[Values], connection: AsyncConnection | None = None) -> dict[int, str]:
        """The position of each looping link among `rows`, and the path of the field that loops.

        `connection`: that of the transaction, if there is one.
        """
        named = [[(path, name) for path, url in targets(row) if (name := name_of(url))] for row in rows]
        ours = await self._on_short_domains({name.domain for each in named for _, name in each}, connection)
        ours |= dict.fromkeys((row["domain"] for row in rows), True)
        hops = [[(path, name) for path, name in each if ours.get(name.domain)] for each in named]
        if not any(hops):
            return {}
        written = {Name(row["domain"], row["key_folded"]): [url for _, url in targets(row)] for row in rows}
        stored = await self._led_to({name for each in hops for _, name in each}, connection)
        found: dict[int, str] = {}
        for position, (row, each) in enumerate(zip(rows, hops, strict=True)):
            own = Name(row["domain"], row["key_folded"])
            for path, name in each:
                beyond = written.get(name) or stored.get(name, ())
                if _same(name, own) or any((second := name_of(url)) and _same(second, own) for url in beyond):
                    found.setdefault(position, path)
        return found

    async def _on_short_domains(self, hosts: Iterable[str], connection: AsyncConnection | None) -> dict[str, bool]:
        """Which of these hosts are short domains."""
        known = {host: self._short_hosts.get(host) for host in hosts}
        asked = [host for host, is_short in known.items() if is_short is None]
        if asked:
            slugs = {slug for host in asked for slug in slugs_of(host)}
            query = select(short_domains.c.slug).where(
                short_domains.c.slug == func.any(type_coerce(sorted(slugs), ARRAY(Text))),
                short_domains.c.domain_id.is_not(None),
            )
            async with self._reading(connection) as reader:
                ours = set((await reader.scalars(query)).all())
            for host in asked:
                known[host] = any(slug in ours for slug in slugs_of(host))
                self._short_hosts.put(host, bool(known[host]))
        return {host: bool(is_short) for host, is_short in known.items()}

    async def _led_to(self, names: Iterable[Name], connection: AsyncConnection | None) -> Followed:
        """Where these short links lead: a link's targets; a domain's own URLs for its root and for unknown keys."""
        asked = {(slug, name.folded): name for name in names for slug in slugs_of(name.domain)}
        slugs = sorted({slug for slug, _ in asked})
        async with self._reading(connection) as reader:
            link_rows = await fetch_all(
                reader,
                select(short_links.c.domain, short_links.c.key_folded, *(links.c[column] for column in TARGET_COLUMNS))
                .join(short_links, short_links.c.link_id == links.c.id)
                .where(tuple_(short_links.c.domain, short_links.c.key_folded).in_(sorted(asked))),
            )
            domain_rows = await fetch_all(
                reader,
                select(domains.c.slug, domains.c.root_url, domains.c.not_found_url)
                .join(short_domains, short_domains.c.domain_id == domains.c.id)
                .where(
                    short_domains.c.slug == func.any(type_coerce(slugs, ARRAY(Text))),
                    or_(domains.c.root_url.is_not(None), domains.c.not_found_url.is_not(None)),
                ),
            )
        own_urls = {row["slug"]: row for row in domain_rows}
        found: dict[Name, list[str]] = {}
        for (slug, folded), name in asked.items():
            if slug in own_urls:
                url = own_urls[slug]["not_found_url" if folded else "root_url"]
                found[name] = [url] if url else []
        for row in link_rows:
            found[asked[row["domain"], row["key_folded"]]] = [url for _, url in targets(dict(row))]
        return found

    def _reading(self, connection: AsyncConnection | None) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.reading() if connection is None else nullcontext(connection)


def name_of(url: str) -> Name | None:
    """The short link that a stored URL would name if its host were a short domain.

    None for other schemes, and for a NUL (`%00`), which no key holds and Postgres cannot look for.
    """
    if not url.startswith(("http://", "https://")):
        return None
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(DEFAULT_PORTS[parts.scheme]).removesuffix(".")
    key = _resolved(unquote(parts.path, errors="replace")).removesuffix("+")
    return None if "\0" in key else Name(host, fold_key(key))


def _resolved(path: str) -> str:
    """The path without outer slashes, and without the `.` and `..` that browsers resolve before they ask."""
    kept: list[str] = []
    for segment in path.strip("/").split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept).strip("/")


def _same(found: Name, own: Name) -> bool:
    return found.folded == own.folded and any(slug == own.domain for slug in slugs_of(found.domain))
