"""Bulk calls and upserts: one transaction each, answers in order, exact under races."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from answers import link_of, ok, refused, unique


@pytest.fixture
def api(stack: Any) -> httpx.Client:
    client: httpx.Client = stack.new_project().api
    return client


def test_many_links_come_in_order_and_failures_in_their_place(api: httpx.Client) -> None:
    key = unique()
    taken = ok(api.post("/links", json={"url": "a.com", "key": unique(), "externalId": "taken"}))
    bodies = [
        {"url": "one.com", "key": key, "tagNames": ["x", "y"], "proxy": True},
        {"url": "two.com", "key": key.upper()},
        {"url": "javascript:alert(1)"},
        {"url": "three.com", "externalId": "a"},
        {"url": "four.com", "external_id": "ext_a"},
        {"url": "five.com", "key": taken["key"]},
        {"url": "six.com", "externalId": "taken"},
        {"url": "seven.com", "domain": "not-mine.example"},
        "nonsense",
        {"url": "eight.com", "tagIds": ["y", "z"]},
    ]
    answers = ok(api.post("/links/bulk", json=bodies))
    codes = [answer.get("code") for answer in answers]
    assert codes == [
        None,
        "conflict",
        "unprocessable_entity",
        None,
        *(["conflict"] * 3),
        "forbidden",
        "unprocessable_entity",
        None,
    ]
    for body, answer in zip(bodies, answers, strict=True):
        if "code" in answer:
            assert set(answer) == {"link", "error", "code"}
            assert answer["link"] == body
        else:
            link_of(answer)
            assert ok(api.get(f"/links/{answer['id']}")) == answer
    assert answers[0]["proxy"] is False
    assert [[tag["name"] for tag in answers[n]["tags"]] for n in (0, 9)] == [["x", "y"], ["y", "z"]]
    assert ok(api.get("/links/count")) == 4


@pytest.mark.parametrize("count", [0, 101])
def test_bulk_takes_1_to_100(api: httpx.Client, count: int) -> None:
    refused(api.post("/links/bulk", json=[{"url": "a.com"}] * count), "unprocessable_entity")
    ids = [f"link_{n}" for n in range(count)]
    refused(api.patch("/links/bulk", json={"linkIds": ids, "data": {}}), "unprocessable_entity")
    assert ok(api.get("/links")) == []


def test_a_full_bulk_call_makes_every_link(api: httpx.Client) -> None:
    links = ok(api.post("/links/bulk", json=[{"url": f"https://example.com/{n}"} for n in range(100)]))
    assert [link["url"] for link in links] == [f"https://example.com/{n}" for n in range(100)]
    assert len({link["key"] for link in links}) == 100
    assert ok(api.get("/links/count")) == 100


def test_many_links_are_changed_alike(api: httpx.Client) -> None:
    links = ok(api.post("/links/bulk", json=[{"url": f"{n}.com", "externalId": f"e{n}"} for n in range(4)]))
    data = {"utm_source": "facebook", "proxy": True, "tagIds": ["campaign"], "title": "T"}
    ids = [links[2]["id"], "link_unknown", links[0]["id"]]
    changed = ok(api.patch("/links/bulk", json={"link_ids": ids, "data": data}))
    assert [link["id"] for link in changed] == [links[2]["id"], links[0]["id"]]
    for link in changed:
        assert (link["utm_source"], link["title"], link["proxy"]) == ("facebook", "T", False)
        assert [tag["name"] for tag in link["tags"]] == ["campaign"]
        assert ok(api.get(f"/links/{link['id']}")) == link
    by_external = ok(api.patch("/links/bulk", json={"externalIds": ["e1", "ext_e3"], "data": {"archived": True}}))
    assert [link["id"] for link in by_external] == [links[1]["id"], links[3]["id"]]
    assert [link["id"] for link in ok(api.get("/links"))] == [links[2]["id"], links[0]["id"]]
    for name in ("domain", "key", "externalId"):
        answer = api.patch("/links/bulk", json={"linkIds": ids, "data": {name: "x"}})
        assert name in refused(answer, "unprocessable_entity")


def test_many_links_are_deleted(api: httpx.Client) -> None:
    links = ok(api.post("/links/bulk", json=[{"url": "a.com", "externalId": f"e{n}"} for n in range(4)]))
    ids = f"{links[0]['id']},ext_e1,link_unknown,{links[0]['id']}"
    assert ok(api.delete("/links/bulk", params={"linkIds": ids})) == {"deletedCount": 2}
    assert [link["id"] for link in ok(api.get("/links"))] == [links[3]["id"], links[2]["id"]]
    refused(api.delete("/links/bulk"), "bad_request")


@pytest.mark.parametrize("path", ["/links/update", "/links/upsert"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_upsert_makes_and_then_changes(api: httpx.Client, method: str, path: str) -> None:
    for body in ({"url": "a.com", "key": unique()}, {"url": "b.com", "externalId": "e"}, {"url": "c.com"}):
        made = ok(api.request(method, path, json=body))
        again = ok(api.request(method, path, json={**body, "title": "second"}))
        assert again == made | {"title": "second", "updatedAt": again["updatedAt"]}
    assert ok(api.get("/links/count")) == 3


def test_an_upsert_finds_by_key_then_external_id_then_url(api: httpx.Client, stack: Any) -> None:
    first = ok(api.post("/links", json={"url": "a.com", "key": unique(), "externalId": "e"}))
    second = ok(api.post("/links", json={"url": "a.com"}))
    assert ok(api.post("/links/upsert", json={"url": "b.com", "key": first["key"].upper()}))["id"] == first["id"]
    assert ok(api.post("/links/upsert", json={"url": "a.com", "externalId": "e"}))["id"] == first["id"]
    assert ok(api.post("/links/upsert", json={"url": "https://a.com"}))["id"] == first["id"]  # the oldest
    refused(api.post("/links/upsert", json={"key": second["key"], "externalId": "e"}), "conflict")
    refused(api.post("/links/upsert", json={"title": "no target"}), "unprocessable_entity")
    other = stack.new_project().api
    refused(other.post("/links/upsert", json={"url": "c.com", "key": first["key"]}), "conflict")


@pytest.mark.parametrize("name", ["key", "externalId", "url"])
def test_equal_upserts_at_once_give_one_link(api: httpx.Client, name: str) -> None:
    body = {"url": f"https://{unique()}.example/"}
    if name != "url":
        body[name] = unique()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: api.post("/links/upsert", json={**body, "title": str(n)}), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert ok(api.get("/links/count")) == 1


def test_bulk_calls_that_race_for_keys_leave_one_holder_each(api: httpx.Client) -> None:
    keys = [unique() for _ in range(20)]

    def create(number: int) -> list[Any]:
        order = keys if number % 2 else keys[::-1]
        found: list[Any] = ok(api.post("/links/bulk", json=[{"url": f"{number}.com", "key": key} for key in order]))
        return found

    with ThreadPoolExecutor(6) as pool:
        made = [link for answer in pool.map(create, range(6)) for link in answer]
    assert sorted(link["key"] for link in made if "id" in link) == sorted(keys)
    assert {link["code"] for link in made if "code" in link} == {"conflict"}


def test_calls_that_race_for_an_external_id_answer_409_and_never_500(api: httpx.Client) -> None:
    def create(number: int) -> int:
        if number % 2:
            return api.post("/links", json={"url": "a.com", "externalId": "same"}).status_code
        (answer,) = ok(api.post("/links/bulk", json=[{"url": "a.com", "externalId": "same"}]))
        return 409 if answer.get("code") == "conflict" else 200

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(create, range(16)))
    assert statuses == [200] + [409] * 15
