"""Links that many callers make at one moment: each has its own outcome, whoever it travels with."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest

from answers import link_of, ok, refused, unique
from running import Stack

CALLERS = 24


@pytest.fixture
def projects(stack: Stack) -> list[httpx.Client]:
    return [stack.new_project().api for _ in range(2)]


def make_all(calls: list[tuple[httpx.Client, dict[str, Any]]]) -> list[httpx.Response]:
    with ThreadPoolExecutor(CALLERS) as threads:
        return list(threads.map(lambda call: call[0].post("/links", json=call[1]), calls))


def test_each_link_has_its_own_outcome(projects: list[httpx.Client]) -> None:
    key = unique()
    bodies = [
        *({"url": f"https://example.com/{number}"} for number in range(CALLERS)),
        *({"url": "https://example.com", "key": key} for _ in range(4)),
        *({"url": "https://example.com", "externalId": "one"} for _ in range(4)),
        {"url": "https://example.com", "domain": "not-mine.example"},
        {"url": "javascript:alert(1)"},
    ]
    calls = [(api, body) for body in bodies for api in projects]
    answers = make_all(calls)
    statuses: dict[str, Counter[int]] = {}
    for (_, body), answer in zip(calls, answers, strict=True):
        kind = next((name for name in ("key", "externalId", "domain") if name in body), body["url"][:5])
        statuses.setdefault(kind, Counter())[answer.status_code] += 1
        if answer.status_code == 200:
            assert link_of(answer.json())["url"] == body["url"]
    assert statuses == {
        "https": {200: CALLERS * 2},
        "key": {200: 1, 409: 7},
        "externalId": {200: 2, 409: 6},
        "domain": {403: 2},
        "javas": {422: 2},
    }
    for api in projects:
        made = {
            answer.json()["id"]
            for (own, _), answer in zip(calls, answers, strict=True)
            if own is api and answer.is_success
        }
        shown = ok(api.get("/links", params={"pageSize": 100}))
        assert {link["id"] for link in shown} == made
        entries = ok(api.get("/audit", params={"action": "link.created", "pageSize": 100}))
        by_request = {answer.headers["x-request-id"]: answer.json()["id"] for answer in answers if answer.is_success}
        assert {(entry["resourceId"], entry["requestId"]) for entry in entries} == {
            (link_id, request) for request, link_id in by_request.items() if link_id in made
        }


async def test_a_link_that_waits_for_a_lock_holds_nobody_up(stack: Stack, projects: list[httpx.Client]) -> None:
    """The lock is held until all others are answered."""
    mine, other = projects
    key = unique()
    holder = await asyncpg.connect(stack.database_url)
    try:
        await holder.execute("BEGIN")
        await holder.execute(
            "INSERT INTO links.short_links (domain, key_folded, version, link_id) VALUES ($1, $2, 1, 'link_nobody')",
            stack.short_domain,
            key.lower(),
        )
        with ThreadPoolExecutor(CALLERS) as threads:
            waiting = [
                threads.submit(mine.post, "/links", json={"url": "https://example.com", "key": key}) for _ in range(3)
            ]
            others = [threads.submit(other.post, "/links", json={"url": "https://example.com"}) for _ in range(CALLERS)]
            assert {call.result().status_code for call in others} == {200}
            for call in waiting:
                assert "Too many changes" in refused(call.result(), "service_unavailable")
        await holder.execute("ROLLBACK")
    finally:
        await holder.close()
    assert ok(mine.get("/links")) == []
    assert ok(mine.post("/links", json={"url": "https://example.com", "key": key}))["key"] == key
