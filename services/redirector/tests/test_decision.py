from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.short_links import RedirectDomain, RedirectLink, fold_key
from redirector.decision import Answer, Facts, File, Page, Redirect, decide, needs_link
from redirector.short_path import parse_path

DOMAIN = RedirectDomain(id="dom_1", slug="go.example", verified=True)
LINK = RedirectLink(id="link_1", project_id="proj_1", domain="go.example", key="Key", url="https://example.com/?a=1")
VISIT = Redirect(LINK.url, visited=LINK)
NOT_FOUND = Page("not_found", 404)


def facts(path: bytes, method: str = "GET", query: bytes = b"", now: int = 0) -> Facts:
    return Facts(method, parse_path(path), query, now)


@pytest.mark.parametrize(
    ("asked", "link", "answer"),
    [
        (facts(b"/robots.txt"), None, File("robots.txt")),
        (facts(b"/robots.txt", "POST"), None, File("robots.txt")),
        (facts(b"/favicon.ico"), None, File("favicon.ico")),
        (facts(b"/.well-known/assetlinks.json"), None, NOT_FOUND),
        (facts(b"/"), None, Page("root", 200)),
        (facts(b"/", "DELETE"), None, Page("root", 200)),
        (facts(b"/key", "POST"), LINK, Page("method_not_allowed", 405, allow="GET, HEAD")),
        (facts(b"/nothing", "PUT"), None, Page("method_not_allowed", 405, allow="GET, HEAD")),
        (facts(b"/nothing"), None, NOT_FOUND),
        (facts(b"/%ff"), None, NOT_FOUND),
        (facts(b"//"), None, NOT_FOUND),
        (facts(b"/nothing+"), None, NOT_FOUND),
        (facts(b"/key+"), LINK, Page("inspect", 200, link=LINK)),
        (facts(b"/key"), LINK, VISIT),
        (facts(b"/key", "HEAD"), LINK, VISIT),
        (facts(b"/key", query=b"qr=1"), LINK, VISIT),
        (facts(b"/key", query=b"b=2"), LINK, Redirect("https://example.com/?a=1&b=2", visited=LINK)),
    ],
)
def test_rows(asked: Facts, link: RedirectLink | None, answer: Answer) -> None:
    assert decide(asked, DOMAIN, link) == answer


LOCKED = msgspec.structs.replace(LINK, has_password=True)
EXPIRED = msgspec.structs.replace(LINK, expires_at=1000)
UNFILLED = msgspec.structs.replace(LINK, url="")


@pytest.mark.parametrize(
    ("asked", "link", "answer"),
    [
        (facts(b"/key"), LOCKED, Page("locked", 401)),
        (facts(b"/key+"), LOCKED, Page("locked", 401)),
        (facts(b"/key", now=999), EXPIRED, Redirect(LINK.url, visited=EXPIRED)),
        (facts(b"/key", now=1000), EXPIRED, Page("expired", 410)),
        (
            facts(b"/key", now=1000),
            msgspec.structs.replace(EXPIRED, expired_url="https://over.example/"),
            Redirect("https://over.example/"),
        ),
        (facts(b"/key+", now=1000), EXPIRED, Page("inspect", 200, link=EXPIRED)),
        (facts(b"/key"), UNFILLED, Page("not_filled", 200)),
        (facts(b"/key", now=1000), msgspec.structs.replace(UNFILLED, expires_at=1), Page("expired", 410)),
    ],
)
def test_what_keeps_a_visitor_from_the_target(asked: Facts, link: RedirectLink, answer: Answer) -> None:
    assert decide(asked, DOMAIN, link) == answer


def test_targets_of_the_domain() -> None:
    domain = RedirectDomain(
        id="dom_1",
        slug="go.example",
        verified=True,
        root_url="https://root.example/",
        not_found_url="https://no.example/",
    )
    assert decide(facts(b"/"), domain, None) == Redirect("https://root.example/")
    assert decide(facts(b"/nothing", query=b"a=1"), domain, None) == Redirect("https://no.example/")
    assert decide(facts(b"/%ff"), domain, None) == Redirect("https://no.example/")
    assert decide(facts(b"/.well-known/x"), domain, None) == NOT_FOUND


@given(st.binary(max_size=20), st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "FOO"]), st.binary(max_size=10))
def test_an_unknown_host_has_one_answer(path: bytes, method: str, query: bytes) -> None:
    assert decide(facts(b"/" + path, method, query), None, None) == Page("unknown_host", 404)


@given(st.binary(max_size=20), st.sampled_from(["GET", "HEAD", "POST"]), st.booleans())
def test_only_visits_are_recorded_and_a_link_is_asked_for_where_it_matters(
    path: bytes, method: str, there: bool
) -> None:
    asked = facts(b"/" + path, method)
    answer = decide(asked, DOMAIN, LINK if there else None)
    if not needs_link(asked):
        assert answer == decide(asked, DOMAIN, LINK)
    if isinstance(answer, Redirect):
        assert answer.visited is LINK
        assert there


@pytest.mark.parametrize(
    ("path", "key", "inspect"),
    [
        (b"/Key", "Key", False),
        (b"/a/b", "a/b", False),
        (b"/a%2Fb", "a/b", False),
        (b"/key/", "key", False),
        (b"/key+", "key", True),
        (b"/key%2B", "key", True),
        (b"/key++", "key++", False),
        (b"/caf%C3%A9", "café", False),
        ("/café".encode(), "café", False),
        (b"/%F0%9F%9A%80", "🚀", False),
        (b"/%E0%80", None, False),
        (b"/a%00b", None, False),
        (b"/a%0Ab", None, False),
        (b"/" + b"x" * 2000, None, False),
        (b"/+", None, True),
    ],
)
def test_paths(path: bytes, key: str | None, inspect: bool) -> None:
    found = parse_path(path)
    assert (found.key, found.inspect) == (key, inspect)


@given(st.text(max_size=30))
def test_spellings_of_a_key_are_one_link(key: str) -> None:
    from unicodedata import normalize
    from urllib.parse import quote

    spelt: list[Any] = [parse_path(b"/" + quote(normalize(form, key)).encode()).key for form in ("NFC", "NFD")]
    if None not in spelt:
        assert fold_key(spelt[0]) == fold_key(spelt[1])
