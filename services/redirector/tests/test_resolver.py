"""The resolver behind its caches. Redis and link-api are played here, for what they say and when is the point."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from codeqr_common.events.links import Link, LinkEvent, ShortLinkName
from codeqr_common.http.internal import ServiceUnavailable
from codeqr_common.short_links import DomainEntry, LinkEntry, RedirectDomain, RedirectLink, Resolution
from redirector.cache import EntryCache
from redirector.resolver import CannotKnow, Found, Resolver

DOMAIN = RedirectDomain(id="dom_1", slug="go.example", verified=True)
HOST = ("go.example",)


def link(url: str) -> RedirectLink:
    return RedirectLink(id="link_1", project_id="proj_1", domain="go.example", key="Key", url=url)


def event(version: int, previous: ShortLinkName | None = None, key: str = "Key") -> LinkEvent:
    after = Link(
        id="link_1", domain="go.example", key=key, url="https://e.com", short_link="", qr_code="", user_id="user_1",
        project_id="proj_1", created_at="", updated_at="",
    )  # fmt: skip
    return LinkEvent(
        id="evt_1", type="link.updated", time=0, version=version, project_id="proj_1", link_id="link_1", link=after,
        previous=previous,
    )  # fmt: skip


class Redis:
    """What the register holds; None: it is away."""

    def __init__(self) -> None:
        self.link: LinkEntry | None = None
        self.domain: DomainEntry | None = None
        self.away = False
        self.asked = 0

    async def get(self, slugs: Sequence[str], _folded: str) -> tuple[list[Any], list[Any]]:
        self.asked += 1
        if self.away:
            raise ConnectionError
        return [self.domain for _ in slugs], [self.link for _ in slugs]


class LinkApi:
    """Gives its answers one after the other, the last again and again; None: it is away."""

    def __init__(self, *answers: LinkEntry | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def get_bytes(self, _path: str, _params: dict[str, str]) -> bytes:
        self.asked += 1
        self.reached.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await self.gate.wait()
        if answer is None:
            raise ServiceUnavailable("away")
        return msgspec.json.encode(Resolution({"go.example": DomainEntry(1, DOMAIN)}, {"go.example": answer}))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Given:
    def __init__(self, *answers: LinkEntry | None) -> None:
        self.redis = Redis()
        self.link_api = LinkApi(*answers)
        self.clock = Clock()
        self.resolver = Resolver(
            self.redis,  # type: ignore[arg-type]
            self.link_api,  # type: ignore[arg-type]
            EntryCache(10, lambda: 8.0, self.clock),
            EntryCache(10, lambda: 8.0, self.clock),
        )

    async def url(self) -> str | None:
        found = await self.resolver.resolve(HOST, "KEY")
        return found.link.url if found.link else None


async def test_many_questions_are_one() -> None:
    given = Given(LinkEntry(1, link("https://e.com")))
    given.link_api.gate.clear()
    asked = [asyncio.ensure_future(given.url()) for _ in range(20)]
    await asyncio.sleep(0)
    asked[0].cancel()  # a visitor who leaves
    given.link_api.gate.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[1:] == ["https://e.com"] * 19
    assert (given.link_api.asked, given.redis.asked) == (1, 1)
    assert await given.url() == "https://e.com"
    assert (given.link_api.asked, given.redis.asked) == (1, 1)


async def test_there_being_no_link_is_remembered_until_an_event_says_otherwise() -> None:
    given = Given(LinkEntry(0), LinkEntry(3, link("https://e.com")))
    assert await given.url() is None
    assert await given.url() is None
    assert given.link_api.asked == 1
    given.resolver.apply(event(3))
    assert await given.url() == "https://e.com"


async def test_the_register_is_not_believed_when_it_is_older_than_an_event() -> None:
    given = Given(LinkEntry(5, link("https://e.com/new")))
    given.redis.domain, given.redis.link = DomainEntry(1, DOMAIN), LinkEntry(4, link("https://e.com/old"))
    assert await given.url() == "https://e.com/old"
    given.resolver.apply(event(5))
    assert await given.url() == "https://e.com/new"
    given.clock.now = 9.0
    assert await given.url() == "https://e.com/new"


async def test_an_answer_that_an_event_overtook_is_asked_for_again() -> None:
    given = Given(LinkEntry(4, link("https://e.com/old")), LinkEntry(5, link("https://e.com/new")))
    given.link_api.gate.clear()
    asked = asyncio.ensure_future(given.url())
    await given.link_api.reached.wait()
    given.resolver.apply(event(5))
    given.link_api.gate.set()
    assert await asked == "https://e.com/new"
    assert await given.url() == "https://e.com/new"
    assert given.link_api.asked == 2


async def test_a_move_drops_both_names() -> None:
    given = Given(LinkEntry(1, link("https://e.com")), LinkEntry(7))
    assert await given.url() == "https://e.com"
    given.resolver.apply(event(7, previous=ShortLinkName("go.example", "kEy"), key="other"))
    assert await given.url() is None


async def test_what_is_remembered_answers_while_nobody_else_does() -> None:
    given = Given(LinkEntry(1, link("https://e.com")), None)
    assert await given.url() == "https://e.com"
    given.redis.away = True
    given.clock.now = 1000.0
    assert await given.url() == "https://e.com"
    given.resolver.apply(event(2))
    with pytest.raises(CannotKnow):
        await given.url()


async def test_what_is_not_remembered_is_not_called_absent() -> None:
    given = Given(None)
    given.redis.away = True
    for slugs, key in ((HOST, "KEY"), (HOST, None), (("nobody.example",), "x")):
        with pytest.raises(CannotKnow):
            await given.resolver.resolve(slugs, key)
    assert await given.resolver.resolve((), "x") == Found(None)


async def test_after_a_gap_in_the_events_everything_is_asked_again() -> None:
    given = Given(LinkEntry(1, link("https://e.com/1")), LinkEntry(2, link("https://e.com/2")))
    assert await given.url() == "https://e.com/1"
    given.resolver.doubt_all()
    assert await given.url() == "https://e.com/2"


async def test_an_unverified_domain_is_an_unknown_host() -> None:
    given = Given(LinkEntry(1, link("https://e.com")))
    unverified = RedirectDomain(id="dom_1", slug="go.example", verified=False)
    given.redis.domain, given.redis.link = DomainEntry(1, unverified), LinkEntry(1, link("https://e.com"))
    assert await given.resolver.resolve(HOST, "KEY") == Found(None)
