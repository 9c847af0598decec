"""Links that many callers make at one moment: each has its own outcome, whoever it travels with."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest

from answers import link_of, ok, unique
from link_api.links.listing import grams
from running import Stack

CALLERS = 24
WAITERS = 6
WAITS_FOR_A_LOCK = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%json_to_recordset%')
"""


@pytest.fixture
def projects(stack: Stack) -> list[httpx.Client]:
    return [stack.new_project().api for _ in range(2)]


def make_all(calls: list[tuple[httpx.Client, dict[str, Any]]]) -> list[httpx.Response]:
    with ThreadPoolExecutor(CALLERS) as threads:
        return list(threads.map(lambda call: call[0].post("/links", json=call[1]), calls))


async def transactions(stack: Stack, answers: list[httpx.Response]) -> int:
    """How many made the links of these answers."""
    ids = [answer.json()["id"] for answer in answers if answer.is_success]
    connection = await asyncpg.connect(stack.database_url)
    try:
        query = "SELECT count(DISTINCT xmin::text) FROM links.links WHERE id = ANY($1)"
        return int(await connection.fetchval(query, ids))
    finally:
        await connection.close()


async def test_each_link_has_its_own_outcome(stack: Stack, projects: list[httpx.Client]) -> None:
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
    assert await transactions(stack, answers) < len([answer for answer in answers if answer.is_success])
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


async def test_links_that_wait_for_a_lock_hold_nobody_up(stack: Stack, projects: list[httpx.Client]) -> None:
    """The lock is held until all others are answered; then those that waited get their true answers."""
    mine, other = projects
    key = unique()
    holder, observer = [await asyncpg.connect(stack.database_url) for _ in range(2)]
    try:
        await holder.execute("BEGIN")
        await holder.execute(
            "INSERT INTO links.short_links (domain, key_folded, version, link_id) VALUES ($1, $2, 1, 'link_nobody')",
            stack.short_domain,
            key.lower(),
        )
        with ThreadPoolExecutor(CALLERS * 2) as threads:
            body = {"url": "https://example.com", "key": key}
            waiting = [threads.submit(mine.post, "/links", json=body) for _ in range(WAITERS)]
            async with asyncio.timeout(5):
                while not await observer.fetchval(WAITS_FOR_A_LOCK):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.01)
            others = [threads.submit(other.post, "/links", json={"url": "https://example.com"}) for _ in range(CALLERS)]
            assert {call.result().status_code for call in others} == {200}
            assert not any(call.done() for call in waiting)
            await holder.execute("ROLLBACK")
            answers = sorted(call.result().status_code for call in waiting)
        assert answers == [200] + [409] * (WAITERS - 1)
    finally:
        await holder.close()
        await observer.close()
    assert [link["key"] for link in ok(mine.get("/links"))] == [key]


async def test_what_is_looked_up_is_what_the_database_holds(stack: Stack) -> None:
    """The service's numbers of a term and those that the database makes of a text agree."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        for text, terms in {
            "spring\nhttps://x.example/ü\nlast": ("s", "sp", "ring\n", "ü", "/ü\n", "t", "st", "last", "x.example"),
            "a": ("a",),
            "é": ("é",),
            "\n\n": ("\n", "\n\n"),
        }.items():
            held = set(await connection.fetchval("SELECT links.ngrams('p', $1)", text))
            seed = await connection.fetchval("SELECT hashtext('p')")
            for term in terms:
                asked = grams(term.encode())
                found = [number ^ seed in held for number in asked.numbers]
                assert all(found) if asked.every else any(found), (text, term)
            for absent in ("zq", "spro", "xx"):
                asked = grams(absent.encode())
                found = [number ^ seed in held for number in asked.numbers]
                assert not (all(found) if asked.every else any(found)), (text, absent)
    finally:
        await connection.close()
