"""The application over ASGI, with a real spool; Redis and link-api are away, what it knows is in its caches."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from codeqr_common.http.internal import InternalClient
from codeqr_common.redis import connect
from codeqr_common.short_links import DomainEntry, LinkEntry, RedirectDomain, RedirectLink, Register
from redirector.app import RedirectApp
from redirector.cache import EntryCache
from redirector.clicks.reader import SpoolReader
from redirector.clicks.record import ClickRecord, decode
from redirector.clicks.recorder import Recorder
from redirector.clicks.spool import Spool
from redirector.pages import Pages
from redirector.resolver import Resolver

NOBODY = "127.0.0.1:1"
URL = "https://example.com/?a=%7e&&b#f"
LINK = RedirectLink(id="link_1", project_id="proj_1", domain="go.example", key="Key", url=URL, title="<i>Title</i>")


@pytest.fixture
async def visitor(spool: Spool) -> AsyncIterator[httpx.AsyncClient]:
    domains: EntryCache[str, DomainEntry] = EntryCache(10, lambda: 60.0)
    links: EntryCache[tuple[str, str], LinkEntry] = EntryCache(10, lambda: 60.0)
    domains.put("go.example", DomainEntry(1, RedirectDomain(id="dom_1", slug="go.example", verified=True)))
    domains.put("nobody.example", DomainEntry(0))
    links.put(("go.example", "key"), LinkEntry(1, LINK))
    links.put(("go.example", "nothing"), LinkEntry(0))
    redis = connect(f"redis://{NOBODY}/0", timeout_s=0.05)
    link_api = InternalClient(f"http://{NOBODY}", SecretStr("x"), timeout_s=0.2)
    recorder = Recorder(spool, [ip_network("127.0.0.0/8")], trust_edge_headers=False)
    app = RedirectApp(Resolver(Register(redis), link_api, domains, links), recorder, Pages())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://go.example") as client:
        yield client
    await redis.aclose()
    await link_api.aclose()


def clicks(directory: Path) -> list[ClickRecord]:
    with SpoolReader(directory, 0) as reader:
        batch = reader.read(1000)
    return [decode(record.line) for record in batch.records] if batch else []


async def test_a_visit_is_spooled_and_answered(visitor: httpx.AsyncClient, tmp_path: Path) -> None:
    headers = {
        "User-Agent": "Somebody/1.0",
        "Referer": "https://t.co/x",
        "X-Forwarded-For": "6.6.6.6, 1.2.3.4",
        "X-Request-Id": "req-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Sec-Purpose": "prefetch",
    }
    answer = await visitor.get("/KEY", headers=headers)
    assert answer.status_code == 302
    assert dict(answer.headers) == {
        "cache-control": "private, no-store",
        "x-robots-tag": "noindex, nofollow",
        "location": URL,
        "content-length": "0",
        "x-request-id": "req-1",
    }
    (click,) = clicks(tmp_path)
    assert (click.target, click.url, click.key, click.key_folded, click.link_id) == (URL, URL, "Key", "key", "link_1")
    assert (click.address, click.user_agent, click.referrer) == ("1.2.3.4", "Somebody/1.0", "https://t.co/x")
    assert (click.purpose, click.request_id) == ("prefetch", "req-1")
    assert click.trace == {"traceparent": headers["traceparent"]}
    assert (click.head, click.qr, click.edge_place) == (False, False, None)


async def test_heads_and_scans_are_told_apart(visitor: httpx.AsyncClient, tmp_path: Path) -> None:
    await visitor.head("/key")
    await visitor.get("/key?qr=1&x=1")
    head, scan = clicks(tmp_path)
    assert (head.head, head.qr, head.target) == (True, False, URL)
    assert (scan.head, scan.qr, scan.target) == (False, True, "https://example.com/?a=%7e&&b&x=1#f")


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/nothing", "go.example", 404),
        ("GET", "/nothing", "nobody.example", 404),
        ("GET", "/robots.txt", "nobody.example", 404),
        ("GET", "/robots.txt", "go.example", 200),
        ("GET", "/favicon.ico", "go.example", 200),
        ("GET", "/", "go.example:8401", 503),
        ("GET", "/", "go.example", 200),
        ("POST", "/key", "go.example", 405),
        ("GET", "/key+", "go.example", 200),
        ("GET", "/unheard-of", "go.example", 503),
        ("GET", "/key", "unheard-of.example", 503),
        ("GET", "/%ff", "go.example", 404),
        ("GET", "/key", "", 404),
    ],
)
async def test_what_is_no_visit_is_not_recorded(
    visitor: httpx.AsyncClient, tmp_path: Path, method: str, path: str, host: str, status: int
) -> None:
    answer = await visitor.request(method, path, headers={"Host": host})
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert clicks(tmp_path) == []


@pytest.mark.parametrize("language", ["en", "pt", "es", "ja"])
async def test_pages_speak_the_visitors_language(visitor: httpx.AsyncClient, language: str) -> None:
    page = await visitor.get("/key+", headers={"Accept-Language": f"xx, {language}-XX;q=0.9"})
    assert f'lang="{language}"' in page.text
    assert "&lt;i&gt;Title&lt;/i&gt;" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_a_full_spool_stops_no_redirect(visitor: httpx.AsyncClient, spool: Spool, tmp_path: Path) -> None:
    spool._limit_bytes = 0
    assert (await visitor.get("/key")).status_code == 302
    assert clicks(tmp_path) == []


@pytest.mark.parametrize("given", ["", "with:colon", "x" * 129, "a b"])
async def test_an_id_that_is_not_sane_is_replaced(visitor: httpx.AsyncClient, tmp_path: Path, given: str) -> None:
    answer = await visitor.get("/key", headers={"X-Request-Id": given})
    (click,) = clicks(tmp_path)
    assert answer.headers["x-request-id"] == click.request_id != given
    assert UUID(click.request_id).version == 7


async def test_what_nobody_foresaw_asks_to_come_back(
    visitor: httpx.AsyncClient, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_records: object) -> bool:
        raise RuntimeError("broken")

    monkeypatch.setattr(spool, "append", broken)
    answer = await visitor.get("/key", headers={"X-Request-Id": "req-2", "Accept-Language": "pt"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-request-id"] == "req-2"
    assert "<html" in answer.text
