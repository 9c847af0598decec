"""Tags over HTTP (contract 8)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from answers import ok, refused, unique
from running import Stack

COLORS = ("red", "yellow", "green", "blue", "purple", "pink", "brown")


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.new_project().api as client:
        yield client


def tag(api: httpx.Client, name: str, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ok(api.post("/tags", json={"name": name, **fields}))
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in found]


def test_a_tag_is_made_changed_and_deleted(api: httpx.Client) -> None:
    made = tag(api, "  Spring sale ", color="pink")
    assert made == {"id": made["id"], "name": "Spring sale", "color": "pink"}
    assert made["id"].startswith("tag_")
    assert ok(api.patch(f"/tags/{made['id']}", json={"color": "blue"})) == made | {"color": "blue"}
    assert ok(api.put(f"/tags/{made['id']}", json={"name": "Summer"})) == made | {"name": "Summer", "color": "blue"}
    assert ok(api.patch(f"/tags/{made['id']}", json={})) == made | {"name": "Summer", "color": "blue"}
    assert ok(api.delete(f"/tags/{made['id']}")) == {"id": made["id"]}
    assert ok(api.get("/tags")) == []
    for answer in (api.patch(f"/tags/{made['id']}", json={"name": "x"}), api.delete(f"/tags/{made['id']}")):
        refused(answer, "not_found")


def test_a_colour_that_is_not_sent_follows_from_the_name(api: httpx.Client, stack: Stack) -> None:
    first, second = tag(api, "Newsletter"), tag(stack.new_project().api, "NEWSLETTER", color=None)
    assert first["color"] == second["color"]
    assert first["color"] in COLORS


def test_names_are_unique_ignoring_case(api: httpx.Client, stack: Stack) -> None:
    made, other = tag(api, "Straße"), tag(api, "Other")
    refused(api.post("/tags", json={"name": "STRASSE"}), "conflict")
    refused(api.patch(f"/tags/{other['id']}", json={"name": "strasse", "color": "red"}), "conflict")
    assert ok(api.patch(f"/tags/{made['id']}", json={"name": "STRASSE"}))["name"] == "STRASSE"
    tag(stack.new_project().api, "straße")
    assert names(ok(api.get("/tags"))) == ["Other", "STRASSE"]
    assert {each["id"]: each["color"] for each in ok(api.get("/tags"))}[other["id"]] == other["color"]


def test_of_equal_tags_at_once_one_is_made(api: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.post("/tags", json={"name": "TaG" if n % 2 else "tAg"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name: "),
        ({"name": " "}, "name: "),
        ({"name": "x" * 191}, "name: "),
        ({"name": "a\x00b"}, "name: "),
        ({"name": 7}, "name: "),
        ({"name": "x", "color": "orange"}, "color: "),
        ({"name": "x", "color": ""}, "color: "),
        ([], "body: "),
    ],
)
def test_bad_bodies_change_nothing(api: httpx.Client, body: Any, path: str) -> None:
    made = tag(api, "kept", color="red")
    assert refused(api.post("/tags", json=body), "unprocessable_entity").startswith(path)
    if body != {}:
        assert refused(api.patch(f"/tags/{made['id']}", json=body), "unprocessable_entity").startswith(path)
    assert ok(api.get("/tags")) == [made]


@pytest.mark.parametrize("field", ["name", "color"])
def test_nothing_can_be_cleared(api: httpx.Client, field: str) -> None:
    made = tag(api, "kept")
    answer = api.patch(f"/tags/{made['id']}", json={field: None})
    assert refused(answer, "unprocessable_entity").startswith(f"{field}: ")
    assert ok(api.get("/tags")) == [made]


def test_lists_go_by_name_and_are_paged_both_ways(api: httpx.Client) -> None:
    sorted_names = ["Apple", "banana", "Cherry", "date", "Elder"]
    ids = {name: tag(api, name)["id"] for name in ("date", "Cherry", "Apple", "Elder", "banana")}
    assert names(ok(api.get("/tags"))) == sorted_names
    assert names(ok(api.get("/tags", params={"page": 2, "pageSize": 2}))) == ["Cherry", "date"]
    assert names(ok(api.get("/tags", params={"startingAfter": ids["banana"], "pageSize": 2}))) == ["Cherry", "date"]
    assert names(ok(api.get("/tags", params={"endingBefore": ids["date"], "pageSize": 2}))) == ["banana", "Cherry"]
    assert names(ok(api.get("/tags", params={"starting_after": ids["Elder"]}))) == []
    for bad in ({"startingAfter": "tag_none"}, {"startingAfter": ids["date"], "page": 1}, {"pageSize": 101}):
        refused(api.get("/tags", params=bad), "unprocessable_entity")


def test_a_list_that_changes_under_a_reader_is_read_whole(api: httpx.Client) -> None:
    """A cursor is a place in the order of names, so what is renamed elsewhere does not move it."""
    ids = [tag(api, f"n{number}")["id"] for number in range(6)]
    first = ok(api.get("/tags", params={"pageSize": 3}))
    ok(api.delete(f"/tags/{ids[0]}"))
    ok(api.patch(f"/tags/{ids[1]}", json={"name": "a"}))
    rest = ok(api.get("/tags", params={"pageSize": 3, "startingAfter": first[-1]["id"]}))
    assert [each["id"] for each in rest] == ids[3:]


def test_search_looks_into_names_whatever_their_case(api: httpx.Client) -> None:
    for name in ("GROẞE Straße", "100% sure", "plain_text"):
        tag(api, name)
    assert names(ok(api.get("/tags", params={"search": "strasse"}))) == ["GROẞE Straße"]
    assert names(ok(api.get("/tags", params={"search": "%"}))) == ["100% sure"]
    assert names(ok(api.get("/tags", params={"search": "_"}))) == ["plain_text"]
    assert len(ok(api.get("/tags", params={"search": ""}))) == 3


def test_links_show_a_tag_as_it_is_now(api: httpx.Client) -> None:
    made = tag(api, "before", color="red")
    link = ok(api.post("/links", json={"url": "a.com", "tagIds": [made["id"]]}))
    assert link["tags"] == [made]
    changed = ok(api.patch(f"/tags/{made['id']}", json={"name": "after", "color": "green"}))
    now = ok(api.get(f"/links/{link['id']}"))
    assert (now["tags"], now["updatedAt"]) == ([changed], link["updatedAt"])
    ok(api.delete(f"/tags/{made['id']}"))
    now = ok(api.get(f"/links/{link['id']}"))
    assert (now["tags"], now["tagId"]) == ([], None)


def test_a_tag_that_is_deleted_while_links_take_it_breaks_nothing(api: httpx.Client) -> None:
    for _ in range(5):
        made = tag(api, unique("tag"))
        bodies = [{"url": "a.com", "tagIds": [made["id"]]}] * 6
        with ThreadPoolExecutor(7) as pool:
            making = [pool.submit(api.post, "/links", json=body) for body in bodies]
            ok(api.delete(f"/tags/{made['id']}"))
        assert {future.result().status_code for future in making} <= {200, 409}


def test_the_audit_names_who_did_what(api: httpx.Client) -> None:
    made = tag(api, "audited")
    ok(api.patch(f"/tags/{made['id']}", json={"name": "renamed"}))
    ok(api.delete(f"/tags/{made['id']}"))
    entries = ok(api.get("/audit", params={"resourceId": made["id"]}))
    assert [entry["action"] for entry in entries] == ["tag.deleted", "tag.updated", "tag.created"]
    assert all(entry["keyId"] for entry in entries)


def test_a_repeat_makes_no_second_tag(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": unique()}
    first = ok(api.post("/tags", json={"name": "once"}, headers=headers))
    again = api.post("/tags", json={"name": "once"}, headers=headers)
    assert ok(again) == first
    assert again.headers["idempotent-replayed"] == "true"
