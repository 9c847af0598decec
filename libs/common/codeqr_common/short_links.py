"""Short links as redirectors see them, and the register of them in Redis.

A version orders everything that ever happened to one short link (or domain); the register never goes back to an
older one. link-api and its relay are the only writers.
"""

import unicodedata
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from redis.asyncio import Redis

from codeqr_common.redis import Evaluation, Script, ScriptBatch

LINK_TTL_S = 24 * 3600
TOMBSTONE_TTL_S = 600
"""A deletion outlives every slow filler that may still carry the older answer."""
UNKNOWN_TTL_S = 60
"""An entry for a key that never existed: anybody can ask for those, so they must not fill Redis."""

PUT_NEWER = Script("""
local present = redis.call('GET', KEYS[1])
if present and tonumber(string.match(present, '^%d+')) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. '\\n' .. ARGV[2], 'EX', ARGV[3])
return 1
""")
VARIATION_SELECTOR = "\ufe0f"


def fold_key(key: str) -> str:
    """The form in which keys are compared: NFC, case-folded, without U+FE0F, NFC again (contract 2.2)."""
    if key.isascii():
        return key.lower()
    folded = unicodedata.normalize("NFC", key).casefold().replace(VARIATION_SELECTOR, "")
    return unicodedata.normalize("NFC", folded)


class RedirectLink(msgspec.Struct, frozen=True, rename="camel"):
    """What a redirector must know of a link. `url` is empty for a flexible link that is not filled."""

    id: str
    project_id: str
    domain: str
    key: str
    url: str
    title: str | None = None
    created_at: str = ""
    has_password: bool = False
    expires_at: int | None = None
    """Milliseconds since the epoch."""
    expired_url: str | None = None


class LinkEntry(msgspec.Struct, frozen=True, rename="camel"):
    """The state of one short link at a version; `link` is None where there is none (any more). Version 0: never was."""

    version: int
    link: RedirectLink | None = None


class RedirectDomain(msgspec.Struct, frozen=True, rename="camel"):
    """What a redirector must know of a domain. `project_id` is None for a shared one."""

    id: str
    slug: str
    project_id: str | None = None
    verified: bool = False
    root_url: str | None = None
    not_found_url: str | None = None
    expired_url: str | None = None


class DomainEntry(msgspec.Struct, frozen=True, rename="camel"):
    """The state of one domain at a version; `domain` is None where there is none (any more)."""

    version: int
    domain: RedirectDomain | None = None


class Resolution(msgspec.Struct, frozen=True):
    """link-api's answer to `/internal/resolve`: entries by slug, for each slug that the asked host may mean."""

    domains: dict[str, DomainEntry]
    links: dict[str, LinkEntry]


Entry = TypeVar("Entry", LinkEntry, DomainEntry)


class Register:
    """The entries in Redis. `batch`: what writes travel in, if it is shared with others."""

    def __init__(self, redis: Redis, batch: ScriptBatch | None = None) -> None:
        self._redis = redis
        self._batch = batch or ScriptBatch(redis)

    async def put(
        self, links: Sequence[tuple[str, str, LinkEntry]], domains: Sequence[tuple[str, DomainEntry]] = ()
    ) -> None:
        """Put `(domain, folded key, entry)` and `(slug, entry)` rows; none replaces an entry as new as itself or newer.

        Raises `RedisUnavailable`.
        """
        rows = [_row(_domain_name(slug), entry, _domain_ttl(entry)) for slug, entry in domains]
        rows += [_row(_link_name(domain, folded), entry, _link_ttl(entry)) for domain, folded, entry in links]
        await self._batch.evaluate_all(rows)

    async def get(self, slugs: Sequence[str], folded: str) -> tuple[list[DomainEntry | None], list[LinkEntry | None]]:
        """For each slug its domain and the link at `folded` on it; None = not in the register. One round trip.

        Raises `redis.exceptions.RedisError` or `OSError` when Redis is away.
        """
        names = [_domain_name(slug) for slug in slugs] + [_link_name(slug, folded) for slug in slugs]
        values = await self._redis.mget(names)
        half = len(slugs)
        return [_decode(value, DomainEntry) for value in values[:half]], [
            _decode(value, LinkEntry) for value in values[half:]
        ]


def _row(name: str, entry: LinkEntry | DomainEntry, ttl: int) -> Evaluation:
    return PUT_NEWER, name, (entry.version, msgspec.json.encode(entry), ttl)


def _link_ttl(entry: LinkEntry) -> int:
    if entry.link is not None:
        return LINK_TTL_S
    return TOMBSTONE_TTL_S if entry.version else UNKNOWN_TTL_S


def _domain_ttl(entry: DomainEntry) -> int:
    if entry.domain is not None:
        return LINK_TTL_S
    return TOMBSTONE_TTL_S if entry.version else UNKNOWN_TTL_S


def _link_name(domain: str, folded: str) -> str:
    return f"link:{domain}/{folded}"


def _domain_name(slug: str) -> str:
    return f"domain:{slug}"


def _decode(value: bytes | str | None, kind: type[Entry]) -> Entry | None:
    if not isinstance(value, bytes):  # our clients do not decode, so it is None
        return None
    return msgspec.json.decode(value.partition(b"\n")[2], type=kind)
