"""Links over HTTP: what a caller sends and gets, and what the rest of the system hears of it."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

LINK_FIELDS = {
    *(
        [
            "id",
            "domain",
            "key",
            "url",
            "shortLink",
            "qrCode",
            "archived",
            "trackConversion",
            "proxy",
            "rewrite",
            "doIndex",
            "flexible",
            "filled",
        ]
    ),
    *(
        [
            "preRedirection",
            "isFormMandatory",
            "publicStats",
            "expiresAt",
            "lastClicked",
            "expiredUrl",
            "externalId",
            "tenantId",
            "title",
        ]
    ),
    *(
        [
            "description",
            "image",
            "video",
            "ios",
            "android",
            "pageId",
            "pageUrl",
            "comments",
            "notificationToken",
            "tagId",
            "password",
        ]
    ),
    *(
        [
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_term",
            "utm_content",
            "geo",
            "rules",
            "tags",
            "webhookIds",
            "userId",
            "projectId",
        ]
    ),
    *(["clicks", "leads", "sales", "saleAmount", "createdAt", "updatedAt"]),
}
FRESH_S = 10.0


@pytest.fixture
def api(stack: Any) -> httpx.Client:
    """The API as a project of its own sees it."""
    client: httpx.Client = stack.new_project().api
    return client


def unique(prefix: str = "k") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: httpx.Response, status: int, code: str) -> str:
    """The message of an error that has the contract's form."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    found = answer.json()["error"]
    assert found["code"] == code
    assert found["doc_url"].endswith(f"#{code}")
    assert answer.headers["x-request-id"]
    return str(found["message"])


def until(what: Callable[[], Any], limit_s: float = FRESH_S) -> Any:
    """Ask again until the answer is true; fail when the time is over."""
    deadline = time.monotonic() + limit_s
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


def test_a_link_is_answered_whole(api: httpx.Client, stack: Any) -> None:
    link = ok(api.post("/links", json={"url": "https://codeqr.io", "title": "Home", "unknownField": 1}))
    assert set(link) == LINK_FIELDS
    assert link["url"] == "https://codeqr.io"
    assert link["domain"] == stack.short_domain
    assert len(link["key"]) == 7
    assert link["shortLink"] == f"http://{stack.short_domain}/{link['key']}"
    assert link["qrCode"].endswith(f"/qr?url={link['shortLink']}?qr=1")
    assert (link["clicks"], link["lastClicked"], link["webhookIds"], link["tags"]) == (0, None, [], [])
    assert link["createdAt"] == link["updatedAt"]
    assert ok(api.get(f"/links/{link['id']}")) == link


def test_links_are_found_by_each_of_their_names(api: httpx.Client) -> None:
    key = unique("Grüße")
    link = ok(api.post("/links", json={"url": "example.com", "key": f"/{key}/", "external_id": "ext_a-1"}))
    assert (link["key"], link["externalId"], link["url"]) == (key, "a-1", "https://example.com")
    for query in (
        {"linkId": link["id"]},
        {"externalId": "a-1"},
        {"external_id": "ext_a-1"},
        {"domain": link["domain"], "key": key.upper()},
    ):
        assert ok(api.get("/links/info", params=query)) == link
    assert ok(api.get("/links/ext_a-1")) == link
    error(api.get("/links/info"), 400, "bad_request")
    error(api.get("/links/info", params={"linkId": "link_none"}), 404, "not_found")
    error(api.get("/links/link_none"), 404, "not_found")


def test_tags_come_by_id_or_name_and_are_made_once(api: httpx.Client) -> None:
    body = {"url": "a.com", "tagIds": ["spring", "sale"], "tagNames": "Email, SALE"}
    first = ok(api.post("/links", json=body))
    assert [tag["name"] for tag in first["tags"]] == ["spring", "sale", "Email"]
    assert first["tagId"] == first["tags"][0]["id"]
    second = ok(api.post("/links", json={"url": "b.com", "tag_ids": [first["tags"][1]["id"], "EMAIL"]}))
    assert second["tags"] == first["tags"][1:]
    assert len(ok(api.get("/tags"))) == 3
    assert [link["id"] for link in ok(api.get("/links", params={"tagNames": "spring"}))] == [first["id"]]


def test_lists_are_bare_newest_first_and_paged(api: httpx.Client) -> None:
    ids = [ok(api.post("/links", json={"url": f"example.com/{n}", "title": f"Title {n}"}))["id"] for n in range(3)]
    assert [link["id"] for link in ok(api.get("/links"))] == ids[::-1]
    assert [link["id"] for link in ok(api.get("/links", params={"pageSize": 2, "page": 2}))] == ids[:1]
    assert [link["id"] for link in ok(api.get("/links", params={"search": "TITLE 1"}))] == [ids[1]]
    assert ok(api.get("/links", params={"search": "100%_"})) == []
    error(api.get("/links", params={"pageSize": 101}), 422, "unprocessable_entity")


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({}, 422, "unprocessable_entity", "url: "),
        ({"url": "javascript:alert(1)"}, 422, "unprocessable_entity", "url: "),
        ({"url": "a.com", "key": "a//b"}, 422, "unprocessable_entity", "key: "),
        ({"url": "a.com", "key": "_x"}, 422, "unprocessable_entity", "key: "),
        ({"url": "a.com", "key": "Robots.txt"}, 409, "conflict", "key: "),
        ({"url": "a.com", "keyLength": 2}, 422, "unprocessable_entity", "keyLength: "),
        ({"url": "a.com", "title": "a\x00b"}, 422, "unprocessable_entity", "title: "),
        ({"url": "a.com", "domain": "somebody-elses.example"}, 403, "forbidden", "somebody-elses.example"),
        ([], 422, "unprocessable_entity", "body: "),
    ],
)
def test_bad_bodies_change_nothing(api: httpx.Client, body: Any, status: int, code: str, message: str) -> None:
    assert error(api.post("/links", json=body), status, code).startswith(message)
    assert ok(api.get("/links")) == []


def test_what_is_no_json_is_a_bad_request(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    error(api.post("/links", content=b"{", headers=headers), 400, "bad_request")
    error(api.post("/links", content=b"url=a.com"), 400, "bad_request")
    error(api.post("/links", content=b'"' + b"x" * (1 << 20) + b'"', headers=headers), 400, "bad_request")


def test_keys_are_unique_by_their_folded_form(api: httpx.Client, stack: Any) -> None:
    key = unique("Straße")
    ok(api.post("/links", json={"url": "a.com", "key": key}))
    other = stack.new_project().api
    error(api.post("/links", json={"url": "b.com", "key": key.upper()}), 409, "conflict")
    error(other.post("/links", json={"url": "b.com", "key": key.replace("ß", "ss")}), 409, "conflict")
    ok(api.post("/links", json={"url": "a.com", "externalId": "x"}))
    error(api.post("/links", json={"url": "b.com", "externalId": "ext_x"}), 409, "conflict")


def test_of_equal_creations_at_once_one_wins(api: httpx.Client) -> None:
    key = unique()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.post("/links", json={"url": f"{n}.com", "key": key}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


def test_changes_name_what_changes(api: httpx.Client) -> None:
    made = ok(api.post("/links", json={"url": "a.com", "title": "T", "externalId": "e", "tagNames": ["x"]}))
    changed = ok(api.patch(f"/links/{made['id']}", json={"url": "b.com"}))
    assert changed == made | {"url": "https://b.com", "updatedAt": changed["updatedAt"]}
    cleared = ok(api.put("/links/ext_e", json={"title": None, "tagIds": None, "external_id": None}))
    assert (cleared["title"], cleared["tags"], cleared["externalId"]) == (None, [], None)
    error(api.patch(f"/links/{made['id']}", json={"url": None}), 422, "unprocessable_entity")
    error(api.patch("/links/link_none", json={"url": "b.com"}), 404, "not_found")


def test_a_moved_link_leaves_its_old_key_free(api: httpx.Client) -> None:
    old, new = unique("old"), unique("new")
    link = ok(api.post("/links", json={"url": "a.com", "key": old}))
    moved = ok(api.patch(f"/links/{link['id']}", json={"key": new}))
    assert (moved["id"], moved["key"]) == (link["id"], new)
    error(api.get("/links/info", params={"domain": link["domain"], "key": old}), 404, "not_found")
    ok(api.post("/links", json={"url": "b.com", "key": old}))
    error(api.patch(f"/links/{link['id']}", json={"key": old}), 409, "conflict")
    assert ok(api.get(f"/links/{link['id']}"))["key"] == new


def test_links_that_swap_ways_do_not_hang(api: httpx.Client) -> None:
    names = [unique() for _ in range(4)]
    ids = [ok(api.post("/links", json={"url": "a.com", "key": name}))["id"] for name in names[:2]]

    def wander(link_id: str) -> set[int]:
        return {api.patch(f"/links/{link_id}", json={"key": names[n % 4]}).status_code for n in range(12)}

    with ThreadPoolExecutor(2) as pool:
        statuses = set().union(*pool.map(wander, ids))
    assert statuses <= {200, 409}
    keys = [ok(api.get(f"/links/{link_id}"))["key"] for link_id in ids]
    assert len(set(keys)) == 2


def test_a_deleted_link_is_gone_and_its_key_counts_from_zero(api: httpx.Client) -> None:
    key = unique()
    link = ok(api.post("/links", json={"url": "a.com", "key": key}))
    assert ok(api.delete(f"/links/{link['id']}")) == {"id": link["id"]}
    error(api.get(f"/links/{link['id']}"), 404, "not_found")
    error(api.delete(f"/links/{link['id']}"), 404, "not_found")
    again = ok(api.post("/links", json={"url": "a.com", "key": key}))
    assert again["id"] != link["id"]
    assert again["clicks"] == 0


def test_projects_do_not_see_each_other(api: httpx.Client, stack: Any) -> None:
    link = ok(api.post("/links", json={"url": "a.com", "key": unique(), "externalId": "mine"}))
    other = stack.new_project()
    for answer in (
        other.api.get(f"/links/{link['id']}"),
        other.api.get("/links/ext_mine"),
        other.api.get("/links/info", params={"domain": link["domain"], "key": link["key"]}),
        other.api.patch(f"/links/{link['id']}", json={"title": "theirs"}),
        other.api.delete(f"/links/{link['id']}"),
    ):
        error(answer, 404, "not_found")
    assert ok(other.api.get("/links")) == []
    error(api.get("/links", params={"projectSlug": other.slug}), 403, "forbidden")
    assert ok(api.get(f"/links/{link['id']}")) == link


def test_keys_are_asked_for(stack: Any) -> None:
    with httpx.Client(base_url=stack.api_url) as nobody:
        error(nobody.get("/links"), 401, "unauthorized")
        error(nobody.get("/links", headers={"Authorization": "Bearer codeqr_wrong"}), 401, "unauthorized")
        error(nobody.get("/links", headers={"Authorization": "Basic eDp5"}), 401, "unauthorized")


def test_a_domain_of_ones_own_becomes_the_default(api: httpx.Client, stack: Any) -> None:
    slug = f"{unique('grün')}.example"
    domain = ok(api.post("/domains", json={"slug": slug.upper(), "notFoundUrl": "example.com/404"}))
    assert domain["slug"] == slug.encode("idna").decode()
    assert domain["verified"] is True
    assert domain["verificationRecord"]["name"] == f"_codeqr.{domain['slug']}"
    assert domain["notFoundUrl"] == "https://example.com/404"
    assert ok(api.get("/domains")) == [domain]
    assert ok(api.post("/links", json={"url": "a.com"}))["domain"] == domain["slug"]
    assert ok(api.post("/links", json={"url": "a.com", "domain": stack.short_domain}))["domain"] == stack.short_domain
    other = stack.new_project().api
    error(other.post("/domains", json={"slug": slug}), 409, "conflict")
    error(other.post("/links", json={"url": "a.com", "domain": slug}), 403, "forbidden")


def test_every_change_is_an_event_with_a_growing_version(api: httpx.Client, stack: Any) -> None:
    key, request_id = unique(), unique("request")
    trace = uuid.uuid4().hex
    headers = {"X-Request-Id": request_id, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    link = ok(api.post("/links", json={"url": "a.com", "key": key}, headers=headers))
    ok(api.patch(f"/links/{link['id']}", json={"key": f"{key}-2"}))
    ok(api.delete(f"/links/{link['id']}"))
    again = ok(api.post("/links", json={"url": "b.com", "key": key}))
    records = asyncio.run(_events_of(stack.kafka_bootstrap, {link["id"], again["id"]}, 4))
    events = sorted((json.loads(record.value) for record in records), key=lambda event: event["version"])
    assert [event["type"] for event in events] == ["link.created", "link.updated", "link.deleted", "link.created"]
    assert len({event["version"] for event in events}) == 4
    assert events[0]["link"] == link
    assert events[1]["previous"] == {"domain": link["domain"], "key": key}
    assert events[2]["link"]["key"] == f"{key}-2"
    first = next(record for record in records if json.loads(record.value)["id"] == events[0]["id"])
    carried = {name: value.decode() for name, value in first.headers}
    assert carried["request-id"] == request_id
    assert carried["event-id"] == events[0]["id"]
    assert carried["event-type"] == "link.created"
    assert carried["traceparent"].split("-")[1] == trace


async def _events_of(bootstrap: str, link_ids: set[str], count: int) -> list[Any]:
    """The first `count` distinct events of these links."""
    consumer = AIOKafkaConsumer("link.events", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    found: dict[str, Any] = {}
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        if (record.key or b"").decode() in link_ids:
                            found.setdefault(json.loads(record.value)["id"], record)
    finally:
        await consumer.stop()
    return list(found.values())


def test_a_redirect_follows_each_change(api: httpx.Client, stack: Any) -> None:
    key = unique()
    with httpx.Client(
        base_url=stack.short_url, headers={"Host": stack.short_domain, "User-Agent": "Mozilla"}
    ) as visitor:
        assert visitor.get(f"/{key}").status_code == 404
        link = ok(api.post("/links", json={"url": "a.com/ü", "key": key}))
        until(lambda: visitor.get(f"/{key.upper()}").headers.get("location") == "https://a.com/%C3%BC")
        ok(api.patch(f"/links/{link['id']}", json={"url": "b.com"}))
        until(lambda: visitor.get(f"/{key}").headers.get("location") == "https://b.com")
        ok(api.patch(f"/links/{link['id']}", json={"key": f"{key}/moved"}))
        until(lambda: visitor.get(f"/{key}").status_code == 404)
        until(lambda: visitor.get(f"/{key}/moved").headers.get("location") == "https://b.com")
        ok(api.delete(f"/links/{link['id']}"))
        until(lambda: visitor.get(f"/{key}/moved").status_code == 404)


def test_visits_are_counted_on_the_link(api: httpx.Client, stack: Any) -> None:
    link = ok(api.post("/links", json={"url": "a.com", "key": unique()}))
    browser = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
    )
    with httpx.Client(base_url=stack.short_url, headers={"Host": stack.short_domain, "User-Agent": browser}) as visitor:
        until(lambda: visitor.head(f"/{link['key']}").status_code == 302)
        for _ in range(5):
            assert visitor.get(f"/{link['key']}").status_code == 302
    counted = until(lambda: (now := ok(api.get(f"/links/{link['id']}")))["clicks"] >= 5 and now, limit_s=30)
    assert counted["clicks"] == 5
    assert counted["lastClicked"] >= link["createdAt"]


def test_external_ids_and_tags_may_hold_what_separates_others(api: httpx.Client) -> None:
    tag = ok(api.post("/tags", json={"name": "Food, drinks"}))
    body = {"url": "a.com", "externalId": "a/b, c", "tagNames": ["Food, drinks"]}
    link = ok(api.post("/links", json=body))
    assert link["tags"] == [tag]
    path = f"/links/ext_{quote('a/b, c', safe='')}"
    assert ok(api.get(path)) == link
    assert ok(api.patch(path, json={"title": "T"}))["title"] == "T"
    changed = ok(api.patch("/links/bulk", json={"externalIds": ["a/b, c"], "data": {"title": "U"}}))
    assert [each["title"] for each in changed] == ["U"]
    assert ok(api.delete(path)) == {"id": link["id"]}


def test_none_is_an_external_id_like_others(api: httpx.Client) -> None:
    named = ok(api.post("/links", json={"url": "a.com", "externalId": "None"}))
    other = ok(api.post("/links", json={"url": "a.com"}))
    for ids in ([other["id"], "ext_None"], ["ext_None", other["id"]]):
        changed = ok(api.patch("/links/bulk", json={"linkIds": ids, "data": {"title": "T"}}))
        assert {link["id"] for link in changed} == {named["id"], other["id"]}


def test_a_url_is_found_as_people_read_it(api: httpx.Client) -> None:
    link = ok(api.post("/links", json={"url": "https://example.com/Café/%00x?q=%C3%BCber"}))
    for term in ("café", "caf%C3%A9", "über", "CAFÉ/"):
        assert [each["id"] for each in ok(api.get("/links", params={"search": term}))] == [link["id"]]
