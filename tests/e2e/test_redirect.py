"""Short links as visitors meet them: what is answered, how soon a change is seen, and what is never said wrongly."""

import time
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from running import Stack

FRESH_S = 1.0
"""How soon every redirector sees a change (contract, section 3)."""
POLL_S = 0.01
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody with a browser, who follows no redirect."""
    headers = {"Host": stack.short_domain, "User-Agent": CHROME}
    with httpx.Client(base_url=stack.short_url, headers=headers, timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.new_project().api as client:
        yield client


def new_key() -> str:
    return f"Re-{uuid.uuid4().hex[:12]}"


def create(api: httpx.Client, stack: Stack, **fields: Any) -> dict[str, Any]:
    body = {"url": "https://example.com/", "domain": stack.short_domain, "key": new_key()} | fields
    answer = api.post("/links", json=body)
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    return link


def everybody_sees(stack: Stack, path: str, expected: tuple[int, str | None]) -> None:
    """Visits that begin within the promised time get this status and location, twelve in a row: each has a connection
    of its own, so that every redirector is met."""
    headers = {"Host": stack.short_domain, "User-Agent": CHROME}
    alone = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=stack.short_url, headers=headers, timeout=10, limits=alone, trust_env=False) as client:
        deadline = time.monotonic() + FRESH_S
        while True:
            late = time.monotonic() > deadline
            answers = [client.get(path) for _ in range(12)]
            seen = {(answer.status_code, answer.headers.get("location")) for answer in answers}
            if seen == {expected}:
                return
            assert not late, f"{path}: {seen} instead of {expected}"
            time.sleep(POLL_S)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com",
        "https://example.com/a%20b/%7Etilde?x=1&x=2&&empty=&flag#/route?y=%C3%A9",
        "http://user@example.com:8080/p;v=1?q=a+b%2Bc",
    ],
)
def test_a_link_leads_to_its_url_byte_for_byte(
    api: httpx.Client, stack: Stack, visitor: httpx.Client, url: str
) -> None:
    link = create(api, stack, url=url)
    answer = visitor.get(f"/{link['key']}")
    assert answer.status_code == 302
    assert answer.headers["location"] == link["url"] == url
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert "referrer-policy" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert answer.content == b""


def test_a_link_may_lead_to_an_app(api: httpx.Client, stack: Stack) -> None:
    link = create(api, stack, url="mailto:someone@example.com?subject=Hello%20there")
    connection = HTTPConnection(urlsplit(stack.short_url).netloc, timeout=10)  # httpx refuses to read such a Location
    connection.request("GET", f"/{link['key']}?x=1", headers={"Host": stack.short_domain})
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.getheader("location")) == (302, link["url"])


def test_parameters_of_the_visitor_are_added(api: httpx.Client, stack: Stack, visitor: httpx.Client) -> None:
    link = create(api, stack, url="https://example.com/?a=1&b=%7e#f")
    for query, location in {
        "?qr=1": "https://example.com/?a=1&b=%7e#f",
        "?a=2&c=3&qr=1": "https://example.com/?a=2&b=%7e&c=3#f",
    }.items():
        assert visitor.get(f"/{link['key']}{query}").headers["location"] == location


def test_a_link_made_right_after_its_404_is_seen(api: httpx.Client, stack: Stack) -> None:
    key = new_key()
    everybody_sees(stack, f"/{key}", (404, None))
    create(api, stack, key=key, url="https://example.com/new")
    everybody_sees(stack, f"/{key}", (302, "https://example.com/new"))


def test_a_change_a_move_and_a_deletion_are_seen(api: httpx.Client, stack: Stack) -> None:
    link = create(api, stack, url="https://example.com/1")
    old, new = link["key"], new_key()
    everybody_sees(stack, f"/{old}", (302, "https://example.com/1"))
    for number in range(2, 5):
        url = f"https://example.com/{number}"
        assert api.patch(f"/links/{link['id']}", json={"url": url}).status_code == 200
        everybody_sees(stack, f"/{old}", (302, url))
    everybody_sees(stack, f"/{new}", (404, None))
    assert api.patch(f"/links/{link['id']}", json={"key": new}).status_code == 200
    everybody_sees(stack, f"/{old}", (404, None))
    everybody_sees(stack, f"/{new}", (302, "https://example.com/4"))
    assert api.delete(f"/links/{link['id']}").status_code == 200
    everybody_sees(stack, f"/{new}", (404, None))
    create(api, stack, key=new, url="https://example.com/again")
    everybody_sees(stack, f"/{new}", (302, "https://example.com/again"))


def test_keys_are_compared_folded(api: httpx.Client, stack: Stack, visitor: httpx.Client) -> None:
    tail = uuid.uuid4().hex[:8]
    create(api, stack, key=f"Straße/É-{tail}", url="https://example.com/folded")
    for path in (
        f"/Straße/É-{tail}",
        f"/STRASSE/é-{tail.upper()}",
        f"/strasse/E\u0301-{tail}",
        f"/strasse%2F%C3%A9-{tail}",
    ):
        assert visitor.get(path).headers.get("location") == "https://example.com/folded", path


def test_hosts(stack: Stack, visitor: httpx.Client, api: httpx.Client) -> None:
    link = create(api, stack)
    unknown = visitor.get(f"/{link['key']}", headers={"Host": "nobody.example"})
    assert unknown.status_code == 404
    assert unknown.headers["content-type"].startswith("text/html")
    assert visitor.get("/robots.txt", headers={"Host": "nobody.example"}).status_code == 404
    assert visitor.get(f"/{link['key']}", headers={"Host": stack.short_domain.upper()}).status_code == 302


def test_pages(stack: Stack, visitor: httpx.Client) -> None:
    for path, status in {"/": 200, f"/{new_key()}": 404, "/%ff": 404, "/.well-known/assetlinks.json": 404}.items():
        page = visitor.get(path, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
        assert page.status_code == status
        assert 'lang="pt"' in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert page.headers["x-content-type-options"] == "nosniff"


def test_the_inspect_page_shows_and_does_not_lead(api: httpx.Client, stack: Stack, visitor: httpx.Client) -> None:
    link = create(api, stack, title="<b>A & B</b>", url="https://example.com/?a=1&b=2")
    page = visitor.get(f"/{link['key']}+")
    assert page.status_code == 200
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in page.text
    assert "https://example.com/?a=1&amp;b=2" in page.text
    assert visitor.get(f"/{new_key()}+").status_code == 404


def test_methods_and_files(api: httpx.Client, stack: Stack, visitor: httpx.Client) -> None:
    link = create(api, stack)
    refused = visitor.post(f"/{link['key']}")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    head = visitor.head(f"/{link['key']}")
    assert (head.status_code, head.headers["location"], head.content) == (302, link["url"], b"")
    robots = visitor.get("/robots.txt")
    assert robots.status_code == 200
    assert robots.headers["content-type"].startswith("text/plain")
    assert robots.text.split() == ["User-agent:", "*", "Disallow:"]
    assert visitor.get("/favicon.ico").status_code == 200
