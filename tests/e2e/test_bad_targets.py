"""Targets that links and domains may not have: scripts in every disguise, and ways back to the same link."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import bad_values
from answers import link_of, ok, refused, unique
from dump import Rows
from prober import Prober
from running import Stack

CONDITION = {"attribute": "country", "operator": "equals", "value": "BR"}
FIELDS: dict[str, Callable[[str], Any]] = {
    "url": lambda url: url,
    "ios": lambda url: url,
    "android": lambda url: url,
    "expiredUrl": lambda url: url,
    "pageUrl": lambda url: url,
    "geo": lambda url: {"US": "https://example.com", "BR": url},
    "rules": lambda url: [{**CONDITION, "url": url}],
    "rules split": lambda url: [{"split": [{"url": "https://example.com", "weight": 50}, {"url": url, "weight": 50}]}],
}
"""Every field of a link that may lead somewhere, by what it is with this URL."""
PICTURES = ("image", "video")
DOMAIN_FIELDS = ("rootUrl", "notFoundUrl", "expiredUrl")


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Iterator[Rows]:
    one = Rows(stack.database_url)
    yield one
    one.close()


@pytest.fixture(scope="module")
def prober(stack: Stack, rows: Rows) -> Prober:
    return Prober(stack, rows)


@pytest.fixture
def api(stack: Stack) -> httpx.Client:
    return stack.new_project().api


def body_with(field: str, url: str) -> dict[str, Any]:
    return {field.partition(" ")[0]: FIELDS[field](url)}


def test_scripts_are_refused_in_every_field_of_a_link(prober: Prober) -> None:
    link = prober.owner.shared["id"]
    with prober.nothing_changes():
        for url in bad_values.SCRIPTS:
            for field in (*FIELDS, *PICTURES):
                body = {field: url} if field in PICTURES else body_with(field, url)
                made = prober.ask("POST", "/links", {"url": "https://example.com", **body})
                changed = prober.ask("PATCH", f"/links/{link}", body)
                for answer in (made, changed):
                    message = prober.refused(answer, f"{field}: {url!r}", "unprocessable_entity")
                    if not message.startswith(field.partition(" ")[0]):
                        prober.problems.append(f"{field}: {url!r}: {message}")


def test_scripts_are_refused_in_bulk_and_in_upserts(prober: Prober) -> None:
    link = prober.owner.shared["id"]
    with prober.nothing_changes():
        for url in bad_values.SCRIPTS:
            [failed] = ok(prober.ask("POST", "/links/bulk", [{"url": url}]))
            assert (failed["code"], failed["link"]) == ("unprocessable_entity", {"url": url})
            calls = (
                ("PATCH", "/links/bulk", {"linkIds": [link], "data": {"url": url}}),
                ("PUT", "/links/upsert", {"url": url, "externalId": "none-such"}),
                ("POST", "/links/update", {"url": url, "key": prober.owner.shared["key"]}),
            )
            for method, path, body in calls:
                prober.refused(prober.ask(method, path, body), f"{method} {path}: {url!r}", "unprocessable_entity")


def test_scripts_are_refused_on_domains_and_webhooks(prober: Prober) -> None:
    domain = prober.owner.domain["slug"]
    with prober.nothing_changes():
        for url in bad_values.SCRIPTS:
            for field in DOMAIN_FIELDS:
                for method, path, body in (
                    ("PATCH", f"/domains/{domain}", {field: url}),
                    ("POST", "/domains", {"slug": f"{unique()}.example", field: url}),
                ):
                    message = prober.refused(
                        prober.ask(method, path, body), f"{field}: {url!r}", "unprocessable_entity"
                    )
                    assert message.startswith(field) or prober.problems
            webhook = {"name": "x", "url": url, "triggers": ["link.created"]}
            prober.refused(prober.ask("POST", "/webhooks", webhook), f"webhook: {url!r}", "unprocessable_entity")


def spellings(domain: str, key: str) -> list[str]:
    """URLs that lead a browser to this short link."""
    name, colon, port = domain.partition(":")
    escaped = "".join(f"%{byte:02x}" for byte in key.encode())
    return [
        f"http://{domain}/{key}",
        f"https://{domain}/{key}",
        f"HTTP://{domain.upper()}/{key}",
        f"http://{domain}/{key.upper()}",
        f"{domain}/{key}",
        f"//{domain}/{key}",
        *([] if port else [f"http://{name}./{key}", f"http://{name}.:8080/{key}"]),  # a slug with a port is taken whole
        f"http://{domain}/{escaped}",
        f"http://{domain}/{escaped.upper()}",
        f"http://{domain}/{key}+",
        f"http://{domain}/{key}%2B",
        f"http://{domain}/{key}/",
        f"http://{domain}//{key}",
        f"http://{domain}/%2F{key}",
        f"http://{domain}/{key}?qr=1",
        f"http://{domain}/{key}?utm_source=a&b=c",
        f"http://{domain}/{key}#there",
        f"http://user:password@{domain}/{key}",
        f"http://{domain}/a/../{key}",
        f"http://{domain}/./{key}",
        f"http://{domain}/a/%2e%2e/{key}",
        f"  http://{domain}/{key}  ",
        f"http://{name.translate(FULL_WIDTH)}{colon}{port}/{key}",
    ]


FULL_WIDTH = {ord(letter): ord(letter) - 0x21 + 0xFF01 for letter in "abcdefghijklmnopqrstuvwxyz"}


def problems_of(prober: Prober, link: str, domain: str, key: str, fields: tuple[str, ...]) -> None:
    for url in spellings(domain, key):
        for field in fields:
            answer = prober.ask("PATCH", f"/links/{link}", body_with(field, url))
            message = prober.refused(answer, f"{field}: {url}", "unprocessable_entity")
            if message and not message.startswith(field.partition(" ")[0]):
                prober.problems.append(f"{field}: {url}: {message}")


@pytest.mark.parametrize("where", ["a shared domain", "its own domain"])
def test_a_link_does_not_lead_to_itself(prober: Prober, where: str) -> None:
    link = prober.owner.shared if where == "a shared domain" else prober.owner.link
    with prober.nothing_changes():
        problems_of(prober, link["id"], link["domain"], link["key"], tuple(FIELDS))
        if where == "its own domain":
            for port in (80, 443, prober.stack.port(1)):
                problems_of(prober, link["id"], f"{link['domain']}:{port}", link["key"], ("url", "geo"))


def test_a_link_is_not_made_to_lead_to_itself(prober: Prober) -> None:
    domain = prober.stack.short_domain
    with prober.nothing_changes():
        for number, field in enumerate(FIELDS):
            key = unique(f"Grün {number}")
            for url in (f"http://{domain}/{quote(key)}", f"http://{domain}/{quote(key.upper())}+"):
                body = {"domain": domain, "key": key, "url": "https://example.com", **body_with(field, url)}
                prober.refused(prober.ask("POST", "/links", body), f"{field}: {url}", "unprocessable_entity")
                prober.refused(prober.ask("PUT", "/links/upsert", body), f"{field}: {url}", "unprocessable_entity")
                [failed] = ok(prober.ask("POST", "/links/bulk", [body]))
                assert failed.get("code") == "unprocessable_entity", failed


@pytest.mark.parametrize("first", FIELDS)
def test_a_link_does_not_lead_to_itself_over_another(prober: Prober, first: str) -> None:
    """`first`: the field by which the other one leads back."""
    link = prober.owner.shared
    back = body_with(first, f"http://{link['domain']}/{link['key']}")
    other = ok(prober.owner.api.post("/links", json={"url": "https://example.com", "key": unique("over"), **back}))
    with prober.nothing_changes():
        problems_of(prober, link["id"], other["domain"], other["key"], ("url", "rules split"))
        for field in FIELDS:
            answer = prober.ask("PATCH", f"/links/{link['id']}", body_with(field, other["shortLink"]))
            prober.refused(answer, field, "unprocessable_entity")


def test_a_link_of_another_project_is_a_way_back_too(api: httpx.Client, stack: Stack) -> None:
    key = unique("mine")
    back = ok(api.post("/links", json={"url": f"http://{stack.short_domain}/{key}", "key": unique("theirs")}))
    mine = stack.new_project().api
    message = refused(mine.post("/links", json={"url": back["shortLink"], "key": key}), "unprocessable_entity")
    assert message.startswith("url: ")
    assert ok(mine.get("/links")) == []


def test_moving_a_link_does_not_close_a_circle(api: httpx.Client, stack: Stack) -> None:
    goal = unique("goal")
    link = ok(api.post("/links", json={"url": f"http://{stack.short_domain}/{goal}", "key": unique()}))
    refused(api.patch(f"/links/{link['id']}", json={"key": goal}), "unprocessable_entity")
    refused(api.patch(f"/links/{link['id']}", json={"key": goal.upper(), "title": "T"}), "unprocessable_entity")
    assert ok(api.get(f"/links/{link['id']}")) == link


def test_links_of_one_call_do_not_lead_to_each_other(api: httpx.Client, stack: Stack) -> None:
    one, two = unique("one"), unique("two")
    bodies = [
        {"key": one, "url": f"http://{stack.short_domain}/{two}"},
        {"key": two, "url": f"http://{stack.short_domain}/{one}"},
        {"key": unique(), "url": f"http://{stack.short_domain}/{one}"},
    ]
    answered = ok(api.post("/links/bulk", json=bodies))
    failed = [entry for entry in answered if "error" in entry]
    assert {entry["code"] for entry in failed} == {"unprocessable_entity"}
    assert "id" in answered[2]
    kept = {link["key"]: link["url"] for link in ok(api.get("/links"))}
    assert not {one, two} <= kept.keys()
    pair = [ok(api.post("/links", json={"url": "https://example.com", "key": unique()})) for _ in range(2)]
    data = {"linkIds": [link["id"] for link in pair], "data": {"url": pair[1]["shortLink"]}}
    refused(api.patch("/links/bulk", json=data), "unprocessable_entity")
    assert [ok(api.get(f"/links/{link['id']}")) for link in pair] == pair


def test_a_way_on_is_no_way_back(api: httpx.Client) -> None:
    """Short links may lead to other short links."""
    last = ok(api.post("/links", json={"url": "https://example.com", "key": unique()}))
    middle = ok(api.post("/links", json={"url": last["shortLink"], "key": unique()}))
    first = ok(api.post("/links", json={"url": middle["shortLink"], "key": unique(), "expiredUrl": last["shortLink"]}))
    assert [link_of(link)["url"] for link in (first, middle)] == [middle["shortLink"], last["shortLink"]]
    query = f"https://example.com/?next={first['shortLink']}"
    assert ok(api.patch(f"/links/{first['id']}", json={"url": query}))["url"] == query


def test_a_domain_does_not_lead_to_itself(prober: Prober) -> None:
    slug = prober.owner.domain["slug"]
    to_root = ok(prober.owner.api.post("/links", json={"url": f"http://{slug}", "domain": slug, "key": unique()}))
    with prober.nothing_changes():
        for field, url in (
            ("rootUrl", f"https://{slug}"),
            ("rootUrl", f"http://{slug.upper()}/?a=b"),
            ("rootUrl", to_root["shortLink"]),
            ("notFoundUrl", f"https://{slug}/no-such-key"),
            ("notFoundUrl", f"http://{slug}./no-such-key#a"),
        ):
            answer = prober.ask("PATCH", f"/domains/{slug}", {field: url})
            prober.refused(answer, f"{field}: {url}", "unprocessable_entity")


def test_names_that_look_like_others_are_not_taken_for_them(prober: Prober) -> None:
    with prober.nothing_changes():
        lookalike = prober.stack.short_domain.replace("localhost", "l\u043ecalhost")
        body = {"url": "https://example.com", "domain": lookalike}
        prober.refused(prober.ask("POST", "/links", body), lookalike, "forbidden", "unprocessable_entity")
        own = prober.owner.domain["slug"].replace("example", "ex\u0430mple")
        body = {"url": "https://example.com", "domain": own}
        prober.refused(prober.ask("POST", "/links", body), own, "forbidden", "unprocessable_entity")


@pytest.mark.parametrize("name", bad_values.HOMOGRAPHS)
def test_a_name_is_kept_in_ascii(api: httpx.Client, name: str) -> None:
    answer = api.post("/domains", json={"slug": f"{unique()}-{name}.example"})
    if answer.status_code != 200:
        refused(answer, "unprocessable_entity")
    else:
        assert answer.json()["slug"].isascii()
        assert answer.json()["slug"] == answer.json()["slug"].lower()
    made = api.post("/links", json={"url": f"https://{name}.example/{name}"})
    if made.status_code != 200:
        refused(made, "unprocessable_entity")
    else:
        assert made.json()["url"].isascii()


def test_slugs_that_are_none_are_refused(prober: Prober) -> None:
    with prober.nothing_changes():
        for slug in bad_values.SLUGS:
            answer = prober.ask("POST", "/domains", {"slug": slug})
            prober.refused(answer, repr(slug), "unprocessable_entity")
