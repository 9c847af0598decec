"""Domains over HTTP (contract 8), and how redirectors follow what happens to them."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from answers import ok, refused, unique
from running import Stack

FRESH_S = 1.0
"""How soon every redirector sees a change (contract, section 3)."""
POLL_S = 0.01
FIELDS = {
    *("id", "slug", "verified", "verificationRecord", "primary", "archived", "rootUrl", "notFoundUrl", "expiredUrl"),
    *("placeholder", "createdAt", "updatedAt"),
}


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.new_project().api as client:
        yield client


def new_slug() -> str:
    return f"{unique('go')}.example"


def domain(api: httpx.Client, slug: str | None = None, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ok(api.post("/domains", json={"slug": slug or new_slug(), **fields}))
    return found


def slugs(found: list[dict[str, Any]]) -> list[str]:
    return [each["slug"] for each in found]


@pytest.fixture
def visit(stack: Stack) -> Iterator[Callable[[str, str], httpx.Response]]:
    """Opens a path of a domain as a browser would."""
    with httpx.Client(base_url=stack.short_url, headers={"User-Agent": "Mozilla/5.0 (X11)"}, timeout=10) as client:
        yield lambda slug, path: client.get(path, headers={"Host": slug})


Visit = Callable[[str, str], httpx.Response]


def seen(what: Callable[[], bool]) -> None:
    """Wait until a change is seen; fail when that takes longer than it may."""
    deadline = time.monotonic() + FRESH_S
    while not what():
        assert time.monotonic() < deadline, f"not seen within {FRESH_S:g} s"
        time.sleep(POLL_S)


def test_a_domain_is_shown_whole(api: httpx.Client) -> None:
    slug = new_slug()
    made = domain(api, slug.upper(), placeholder="https://example.com/x", rootUrl="example.com", notFoundUrl="")
    assert set(made) == FIELDS
    assert (made["slug"], made["verified"], made["primary"], made["archived"]) == (slug, True, False, False)
    assert (made["rootUrl"], made["notFoundUrl"], made["expiredUrl"]) == ("https://example.com", None, None)
    record = made["verificationRecord"]
    assert (record["type"], record["name"]) == ("TXT", f"_codeqr.{slug}")
    assert record["value"].startswith("codeqr-verification=")
    assert ok(api.get(f"/domains/{slug}")) == made
    assert ok(api.get(f"/domains/{slug.upper()}.")) == made
    assert ok(api.get("/domains")) == [made]


def test_slugs_are_idna(api: httpx.Client) -> None:
    name = unique("x")
    made = domain(api, f"Bücher-{name}.Example")
    assert made["slug"].startswith("xn--")
    assert made["slug"].isascii()
    assert ok(api.get(f"/domains/bücher-{name}.example"))["id"] == made["id"]
    refused(api.post("/domains", json={"slug": f"BÜCHER-{name}.example"}), "conflict")


def test_a_change_names_what_changes(api: httpx.Client) -> None:
    made = domain(api, rootUrl="a.com", placeholder="p")
    path = f"/domains/{made['slug']}"
    changed = ok(api.patch(path, json={"not_found_url": "b.com", "archived": True}))
    expected = made | {"notFoundUrl": "https://b.com", "archived": True, "updatedAt": changed["updatedAt"]}
    assert changed == expected
    assert changed["updatedAt"] > made["updatedAt"]
    cleared = ok(
        api.put(path, json={"rootUrl": None, "placeholder": "", "archived": None, "slug": made["slug"].upper()})
    )
    assert (cleared["rootUrl"], cleared["placeholder"], cleared["archived"]) == (None, None, False)
    assert cleared["notFoundUrl"] == "https://b.com"
    assert ok(api.patch(path, json={})) == cleared
    assert ok(api.get(path)) == cleared


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"rootUrl": "javascript:alert(1)"}, "rootUrl: "),
        ({"notFoundUrl": "http://"}, "notFoundUrl: "),
        ({"expiredUrl": 7}, "expiredUrl: "),
        ({"placeholder": "x" * 2049}, "placeholder: "),
        ({"primary": "maybe"}, "primary: "),
        ([], "body: "),
    ],
)
def test_bad_bodies_change_nothing(api: httpx.Client, body: Any, path: str) -> None:
    made = domain(api)
    assert refused(api.patch(f"/domains/{made['slug']}", json=body), "unprocessable_entity").startswith(path)
    if isinstance(body, dict):
        answer = api.post("/domains", json={"slug": new_slug(), **body})
        assert refused(answer, "unprocessable_entity").startswith(path)
    assert ok(api.get("/domains")) == [made]


@pytest.mark.parametrize(
    "slug", ["", " ", "a b.example", "a_b.example", "-a.example", "https://a.example", "a.example/"]
)
def test_what_is_no_slug(api: httpx.Client, slug: str) -> None:
    assert refused(api.post("/domains", json={"slug": slug}), "unprocessable_entity").startswith("slug: ")


def test_the_slug_stays(api: httpx.Client) -> None:
    made = domain(api)
    for other in (new_slug(), None):
        answer = api.patch(f"/domains/{made['slug']}", json={"slug": other, "archived": True})
        assert refused(answer, "unprocessable_entity").startswith("slug: ")
    assert ok(api.get(f"/domains/{made['slug']}")) == made


def test_only_ones_own_domains_are_there(api: httpx.Client, stack: Stack) -> None:
    """Another project's and a shared one are forbidden; one that nobody has, or has only claimed, is not found."""
    foreign = domain(stack.new_project().api)["slug"]
    for slug, code in ((foreign, "forbidden"), (stack.short_domain, "forbidden"), (new_slug(), "not_found")):
        path = f"/domains/{slug}"
        refused(api.get(path), code)
        refused(api.patch(path, json={"archived": True}), code)
        refused(api.delete(path), code)
        refused(api.post(f"{path}/verify"), code)
    refused(api.post("/domains", json={"slug": foreign}), "conflict")
    refused(api.post("/domains", json={"slug": stack.short_domain}), "conflict")
    refused(api.post("/links", json={"url": "a.com", "domain": foreign}), "forbidden")
    assert ok(api.get("/domains")) == []


def test_the_primary_domain_is_one_and_comes_first(api: httpx.Client) -> None:
    first, second, third = domain(api), domain(api, primary=True), domain(api)
    assert slugs(ok(api.get("/domains"))) == slugs([second, first, third])
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == second["slug"]
    assert ok(api.patch(f"/domains/{third['slug']}", json={"primary": True}))["primary"] is True
    found = ok(api.get("/domains"))
    assert [(each["slug"], each["primary"]) for each in found] == [
        *((third["slug"], True), (first["slug"], False)),
        (second["slug"], False),
    ]
    ok(api.patch(f"/domains/{third['slug']}", json={"primary": False}))
    assert slugs(ok(api.get("/domains"))) == slugs([first, second, third])


def test_moved_by_many_at_once_there_is_one_primary_domain(api: httpx.Client) -> None:
    made = [domain(api) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda each: api.patch(f"/domains/{each['slug']}", json={"primary": True}), made))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(each["primary"] for each in ok(api.get("/domains"))) == [False] * 5 + [True]


def test_lists_are_paged_both_ways(api: httpx.Client) -> None:
    made = [domain(api) for _ in range(4)]
    ok(api.patch(f"/domains/{made[3]['slug']}", json={"primary": True}))
    expected = slugs([made[3], *made[:3]])
    assert slugs(ok(api.get("/domains", params={"page": 2, "pageSize": 3}))) == expected[3:]
    after = {"startingAfter": made[3]["id"], "pageSize": 2}
    assert slugs(ok(api.get("/domains", params=after))) == expected[1:3]
    before = {"endingBefore": made[2]["id"], "pageSize": 2}
    assert slugs(ok(api.get("/domains", params=before))) == expected[1:3]
    refused(api.get("/domains", params={"startingAfter": "dom_none"}), "unprocessable_entity")


def test_an_archived_domain_is_not_the_default(api: httpx.Client, stack: Stack, visit: Visit) -> None:
    made = domain(api, primary=True)
    link = ok(api.post("/links", json={"url": "a.com"}))
    assert link["domain"] == made["slug"]
    ok(api.patch(f"/domains/{made['slug']}", json={"archived": True}))
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == stack.short_domain
    assert ok(api.post("/links", json={"url": "a.com", "domain": made["slug"]}))["domain"] == made["slug"]
    assert visit(made["slug"], f"/{link['key']}").status_code == 302


def test_redirectors_follow_changes_and_deletion(api: httpx.Client, visit: Visit) -> None:
    slug = new_slug()
    assert visit(slug, "/nothing").status_code == 404
    domain(api, slug, notFoundUrl="a.example/lost")
    seen(lambda: visit(slug, "/nothing").headers.get("location") == "https://a.example/lost")
    for number in range(3):
        target = f"https://b.example/{number}"
        ok(api.patch(f"/domains/{slug}", json={"notFoundUrl": target, "rootUrl": target}))
        seen(lambda: visit(slug, "/nothing").headers.get("location") == target)  # noqa: B023
        seen(lambda: visit(slug, "/").headers.get("location") == target)  # noqa: B023
    ok(api.patch(f"/domains/{slug}", json={"notFoundUrl": None, "rootUrl": None}))
    seen(lambda: visit(slug, "/nothing").status_code == 404)
    seen(lambda: visit(slug, "/").status_code == 200)
    ok(api.delete(f"/domains/{slug}"))
    seen(lambda: visit(slug, "/").status_code == 404)


def test_a_domain_with_links_stays(api: httpx.Client, stack: Stack, visit: Visit) -> None:
    made = domain(api, primary=True)
    link = ok(api.post("/links", json={"url": "a.com", "key": "kept"}))
    refused(api.delete(f"/domains/{made['slug']}"), "conflict")
    seen(lambda: visit(made["slug"], "/kept").status_code == 302)
    assert ok(api.get(f"/domains/{made['slug']}")) == made
    ok(api.delete(f"/links/{link['id']}"))
    assert ok(api.delete(f"/domains/{made['slug']}")) == {"id": made["id"]}
    refused(api.get(f"/domains/{made['slug']}"), "not_found")
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == stack.short_domain
    other = stack.new_project().api
    again = domain(other, made["slug"])
    assert again["id"] != made["id"]
    ok(other.post("/links", json={"url": "b.com", "domain": made["slug"], "key": "kept"}))
    seen(lambda: visit(made["slug"], "/kept").headers.get("location") == "https://b.com")


def test_deleted_while_links_are_made_it_has_them_all_or_is_gone(api: httpx.Client) -> None:
    outcomes = set()
    for _ in range(12):
        made = domain(api)
        body = {"url": "a.com", "domain": made["slug"]}
        with ThreadPoolExecutor(6) as pool:
            making = [pool.submit(api.post, "/links", json=body) for _ in range(5)]
            deleting = pool.submit(api.delete, f"/domains/{made['slug']}")
        statuses = [future.result().status_code for future in making]
        assert set(statuses) <= {200, 403, 409}
        links = ok(api.get("/links/count", params={"domain": made["slug"]}))
        if deleting.result().status_code == 200:
            assert (links, set(statuses) & {200}) == (0, set())
            refused(api.get(f"/domains/{made['slug']}"), "not_found")
        else:
            refused(deleting.result(), "conflict")
            assert links == statuses.count(200) > 0
        outcomes.add(deleting.result().status_code)
    assert outcomes <= {200, 409}


def test_of_two_projects_at_once_one_gets_the_domain(stack: Stack) -> None:
    keys = [stack.new_project().api for _ in range(4)]
    slug = new_slug()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda api: api.post("/domains", json={"slug": slug}), keys))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


def test_a_domain_may_not_lead_back_to_itself(api: httpx.Client) -> None:
    made = domain(api, primary=True)
    slug, path = made["slug"], f"/domains/{made['slug']}"
    ok(api.post("/links", json={"url": "a.com", "key": "there"}))
    ok(api.post("/links", json={"url": f"http://{slug}/gone/for-good", "key": "round"}))
    ok(api.post("/links", json={"url": "a.com", "key": "over", "expiresAt": "2020-01-01T00:00:00Z"}))
    refusals = [
        {"rootUrl": f"http://{slug}"},
        {"rootUrl": f"https://{slug.upper()}/?x=1"},
        {"notFoundUrl": f"http://{slug}/not-there"},
        {"notFoundUrl": f"http://{slug}/round"},
        {"expiredUrl": f"http://{slug}/not-there"},
        {"expiredUrl": f"http://{slug}/over"},
        {"rootUrl": f"http://{slug}/not-there", "notFoundUrl": f"http://{slug}/"},
    ]
    for body in refusals:
        message = refused(api.patch(path, json=body), "unprocessable_entity")
        assert message.partition(":")[0] in body, body
        assert "leads back" in message
    assert ok(api.get(path)) == made
    for body in (
        {
            "rootUrl": f"http://{slug}/there",
            "notFoundUrl": f"http://{slug}/there",
            "expiredUrl": f"http://{slug}/there",
        },
        {"notFoundUrl": f"http://{slug}/", "rootUrl": "https://example.com/"},
        {"notFoundUrl": "https://example.com/not-there", "expiredUrl": "https://example.com/over"},
    ):
        ok(api.patch(path, json=body))
    refused(
        api.patch(path, json={"rootUrl": f"http://{slug}/not-there", "notFoundUrl": f"http://{slug}/"}),
        "unprocessable_entity",
    )


def test_two_domains_may_not_send_visitors_to_each_other(api: httpx.Client) -> None:
    first, second = domain(api), domain(api)
    ok(api.patch(f"/domains/{first['slug']}", json={"rootUrl": f"http://{second['slug']}/"}))
    answer = api.patch(f"/domains/{second['slug']}", json={"rootUrl": f"http://{first['slug']}/"})
    assert refused(answer, "unprocessable_entity").startswith("rootUrl: ")


def test_the_audit_names_what_was_done(api: httpx.Client) -> None:
    made = domain(api)
    ok(api.patch(f"/domains/{made['slug']}", json={"archived": True}))
    ok(api.delete(f"/domains/{made['slug']}"))
    entries = ok(api.get("/audit", params={"resourceId": made["id"]}))
    assert [entry["action"] for entry in entries] == ["domain.deleted", "domain.updated", "domain.created"]


def test_a_repeat_claims_no_second_time(api: httpx.Client) -> None:
    headers, body = {"Idempotency-Key": unique()}, {"slug": new_slug()}
    first = ok(api.post("/domains", json=body, headers=headers))
    again = api.post("/domains", json=body, headers=headers)
    assert (ok(again), again.headers["idempotent-replayed"]) == (first, "true")
