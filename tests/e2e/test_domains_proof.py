"""Domains that must be proved: another link API over the stack's engines, which asks a DNS server of the test."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from answers import ok, refused, unique
from nameserver import Nameserver
from running import Stack

PORT, INTERNAL_PORT, ADMIN_PORT = 94, 95, 96
START_S = 30.0
FRESH_S = 1.0
POLL_S = 0.01
QUICK_S = 2.0
CONNECTIONS = 10
"""Of a link API to Postgres."""


@pytest.fixture(scope="module")
def dns() -> Iterator[Nameserver]:
    with Nameserver() as one:
        yield one


@pytest.fixture(scope="module")
def url(stack: Stack, dns: Nameserver) -> Iterator[str]:
    """Where the other link API listens."""
    inherited = Path(f"/proc/{stack.processes()['link-api']}/environ").read_bytes().split(b"\0")
    environment = dict(entry.decode().split("=", 1) for entry in inherited if entry) | {
        "CODEQR_PORT": str(stack.port(PORT)),
        "CODEQR_INTERNAL_PORT": str(stack.port(INTERNAL_PORT)),
        "CODEQR_ADMIN_PORT": str(stack.port(ADMIN_PORT)),
        "CODEQR_INSTANCE": "link-api-that-asks",
        "CODEQR_DOMAINS_VERIFY_AT_ONCE": "false",
        "CODEQR_DOMAINS_RESOLVER": dns.address,
    }
    log = stack.home / "logs" / "link-api-that-asks.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "link_api", "api"], env={**os.environ, **environment}, stdout=output, stderr=output
        ) as process,
    ):
        try:
            stack.wait_until(lambda: is_ready(stack.port(ADMIN_PORT)), START_S)
            yield f"http://127.0.0.1:{stack.port(PORT)}"
        finally:
            process.terminate()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def make(stack: Stack, url: str) -> Callable[[], httpx.Client]:
    """A client of another project, each time."""

    def client() -> httpx.Client:
        headers = stack.new_project().api.headers
        return httpx.Client(base_url=url, headers=headers, timeout=15, limits=httpx.Limits(max_connections=50))

    return client


Make = Callable[[], httpx.Client]


def new_slug() -> str:
    return f"{unique('proof')}.example"


def claim(api: httpx.Client, slug: str, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ok(api.post("/domains", json={"slug": slug, **fields}))
    assert found["verified"] is False
    return found


def publish(dns: Nameserver, claimed: dict[str, Any], *others: str) -> None:
    record = claimed["verificationRecord"]
    assert record["type"] == "TXT"
    dns.records[record["name"]] = [*others, record["value"]]


def visit(stack: Stack, slug: str, path: str) -> httpx.Response:
    return httpx.get(f"{stack.short_url}{path}", headers={"Host": slug, "User-Agent": "Mozilla/5.0 (X11)"})


def test_a_claim_holds_nothing_until_it_is_proved(stack: Stack, make: Make, dns: Nameserver) -> None:
    api, slug = make(), new_slug()
    claimed = claim(api, slug, rootUrl="a.example", primary=True)
    assert visit(stack, slug, "/").status_code == 404
    refused(api.post("/links", json={"url": "a.com", "domain": slug}), "forbidden")
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == stack.short_domain
    assert ok(api.post(f"/domains/{slug}/verify")) == claimed
    dns.records[claimed["verificationRecord"]["name"]] = [
        "something else",
        claimed["verificationRecord"]["value"] + "x",
    ]
    assert ok(api.post(f"/domains/{slug}/verify"))["verified"] is False

    publish(dns, claimed, "something else")
    verified = ok(api.post(f"/domains/{slug}/verify"))
    assert claimed["primary"] is False
    assert verified == claimed | {"verified": True, "primary": True, "updatedAt": verified["updatedAt"]}
    deadline = time.monotonic() + FRESH_S
    while visit(stack, slug, "/").headers.get("location") != "https://a.example":
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == slug
    dns.records.clear()
    assert ok(api.post(f"/domains/{slug}/verify")) == verified


def test_a_claim_takes_the_primary_place_when_it_is_proved(make: Make, dns: Nameserver) -> None:
    api, slugs = make(), [new_slug() for _ in range(3)]

    def primary() -> list[str]:
        return [each["slug"] for each in ok(api.get("/domains")) if each["primary"]]

    proved = claim(api, slugs[0], primary=True)
    publish(dns, proved)
    ok(api.post(f"/domains/{slugs[0]}/verify"))
    meant, changed = claim(api, slugs[1], primary=True), claim(api, slugs[2])
    ok(api.patch(f"/domains/{slugs[2]}", json={"primary": True}))
    assert primary() == [slugs[0]]
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == slugs[0]
    for each in (meant, changed):
        publish(dns, each)
        headers = {"Idempotency-Key": unique()}
        answer = ok(api.post(f"/domains/{each['slug']}/verify", headers=headers))
        assert answer["primary"] is True
        assert primary() == [each["slug"]]
        assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == each["slug"]
        dns.records.clear()
        assert ok(api.post(f"/domains/{each['slug']}/verify", headers=headers)) == answer


def test_claims_are_changed_and_deleted_and_nobody_is_told(stack: Stack, make: Make, dns: Nameserver) -> None:
    api, slug = make(), new_slug()
    claimed = claim(api, slug)
    changed = ok(api.patch(f"/domains/{slug}", json={"rootUrl": "b.example"}))
    assert (changed["rootUrl"], changed["verified"]) == ("https://b.example", False)
    assert visit(stack, slug, "/").status_code == 404
    refused(api.post("/domains", json={"slug": slug}), "conflict")
    assert ok(api.delete(f"/domains/{slug}")) == {"id": claimed["id"]}
    refused(api.post(f"/domains/{slug}/verify"), "not_found")


def test_the_first_to_prove_a_domain_has_it(make: Make, dns: Nameserver) -> None:
    first, second, slug = make(), make(), new_slug()
    claims = [claim(api, slug) for api in (first, second)]
    assert claims[0]["verificationRecord"]["value"] != claims[1]["verificationRecord"]["value"]
    name = claims[0]["verificationRecord"]["name"]
    dns.records[name] = [each["verificationRecord"]["value"] for each in claims]
    assert ok(second.post(f"/domains/{slug}/verify"))["verified"] is True
    refused(first.post(f"/domains/{slug}/verify"), "conflict")
    dns.records[name] = [claims[1]["verificationRecord"]["value"]]
    refused(first.post(f"/domains/{slug}/verify"), "conflict")
    dns.records[name] = [each["verificationRecord"]["value"] for each in claims]
    refused(make().post("/domains", json={"slug": slug}), "conflict")
    assert ok(first.get(f"/domains/{slug}"))["verified"] is False
    ok(second.delete(f"/domains/{slug}"))
    assert ok(first.post(f"/domains/{slug}/verify"))["verified"] is True


def test_of_many_that_prove_it_at_once_one_has_it(make: Make, dns: Nameserver) -> None:
    keys, slug = [make() for _ in range(5)], new_slug()
    claims = [claim(api, slug) for api in keys]
    dns.records[claims[0]["verificationRecord"]["name"]] = [each["verificationRecord"]["value"] for each in claims]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda api: api.post(f"/domains/{slug}/verify"), keys))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    verified = [ok(api.get(f"/domains/{slug}"))["verified"] for api in keys]
    assert verified == [answer.status_code == 200 for answer in answers]


def test_a_name_server_that_fails_proves_nothing(make: Make, dns: Nameserver) -> None:
    api, slug = make(), new_slug()
    claimed = claim(api, slug)
    publish(dns, claimed)
    dns.failing.add(claimed["verificationRecord"]["name"])
    answer = api.post(f"/domains/{slug}/verify")
    refused(answer, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    dns.failing.clear()
    assert ok(api.post(f"/domains/{slug}/verify"))["verified"] is True


def test_a_silent_name_server_holds_up_nobody_else(make: Make, dns: Nameserver) -> None:
    """More look-ups at once than there are connections to Postgres: none is held while the DNS is asked."""
    api, slug = make(), new_slug()
    name = claim(api, slug)["verificationRecord"]["name"]
    dns.silent.add(name)
    with ThreadPoolExecutor(2 * CONNECTIONS) as pool:
        asking = [pool.submit(api.post, f"/domains/{slug}/verify") for _ in range(2 * CONNECTIONS)]
        while dns.asked.count(name) < 2 * CONNECTIONS:
            time.sleep(POLL_S)
        began = time.monotonic()
        ok(api.post("/tags", json={"name": unique()}))
        ok(api.get("/domains"))
        assert time.monotonic() - began < QUICK_S
        assert not any(future.done() for future in asking)
    assert {future.result().status_code for future in asking} == {503}


def test_claims_lapse_after_seven_days(stack: Stack, make: Make, dns: Nameserver) -> None:
    api, slug = make(), new_slug()
    claimed = claim(api, slug)
    publish(dns, claimed)
    make_older(stack, claimed["id"], "6 days 23 hours 59 minutes")
    assert ok(api.get(f"/domains/{slug}"))["id"] == claimed["id"]
    make_older(stack, claimed["id"], "2 minutes")
    refused(api.get(f"/domains/{slug}"), "not_found")
    refused(api.post(f"/domains/{slug}/verify"), "not_found")
    assert ok(api.get("/domains")) == []
    again = claim(api, slug)
    assert again["id"] != claimed["id"]
    assert ok(api.post(f"/domains/{slug}/verify"))["verified"] is False, "the old record proves nothing"


def make_older(stack: Stack, domain_id: str, by: str) -> None:
    async def change() -> None:
        connection = await asyncpg.connect(stack.database_url)
        try:
            text = "UPDATE links.domains SET created_at = created_at - $1::text::interval WHERE id = $2"
            assert await connection.execute(text, by, domain_id) == "UPDATE 1"
        finally:
            await connection.close()

    asyncio.run(change())


@pytest.mark.parametrize(
    "slug",
    ["localhost", "a.example:80", "127.0.0.1", "example", "x" * 63 + "." + "y" * 63 + "." + "z" * 63 + "." + "w" * 60],
)
def test_what_can_never_be_proved_is_no_slug(make: Make, slug: str) -> None:
    assert refused(make().post("/domains", json={"slug": slug}), "unprocessable_entity").startswith("slug: ")
