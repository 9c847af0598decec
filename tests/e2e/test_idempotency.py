"""`Idempotency-Key` (contract 1.5): a repeat has no second effect, whatever dies when."""

import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from running import Project, Stack

WAIT_S = 10.0


@pytest.fixture(scope="module")
def project(stack: Stack) -> Project:
    return stack.new_project("idempotency")


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def name() -> str:
    return uuid.uuid4().hex


POSTS: dict[str, Callable[[], Any]] = {
    "/links": lambda: {"url": "https://example.com", "key": name(), "tagNames": [name()]},
    "/links/bulk": lambda: [{"url": "https://example.com", "key": name()}, {"url": "javascript:alert(1)"}],
    "/links/upsert": lambda: {"url": f"https://example.com/{name()}"},
    "/tags": lambda: {"name": name()},
    "/domains": lambda: {"slug": f"{name()}.example"},
    "/tokens": lambda: {"name": name(), "scopes": "read"},
    "/webhooks": lambda: {"name": "a hook", "url": "http://127.0.0.1:9/", "triggers": ["link.created"]},
}
SECRETS = {"/tokens": "token", "/webhooks": "secret"}
"""What the first answer shows, and a repeat does not."""


@pytest.mark.parametrize("path", POSTS)
def test_a_repeat_gets_the_first_answer(project: Project, path: str) -> None:
    body, headers = POSTS[path](), new_key()
    first = project.api.post(path, json=body, headers=headers)
    assert first.status_code == 200, first.text
    assert not replayed(first)
    expected = first.json()
    if path in SECRETS:
        assert expected.pop(SECRETS[path])
    for _ in range(2):
        again = project.api.post(path, json=body, headers=headers)
        assert again.status_code == 200, again.text
        assert replayed(again)
        assert again.json() == expected
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["x-request-id"] != first.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/links", "/tags", "/tokens", "/webhooks"])
def test_a_repeat_makes_nothing(project: Project, path: str) -> None:
    def count() -> int:
        return len(project.api.get(path, params={"pageSize": 100}).json())

    body, headers, before = POSTS[path](), new_key(), count()
    for _ in range(3):
        assert project.api.post(path, json=body, headers=headers).status_code == 200
    assert count() == before + 1


def test_a_rotation_is_not_repeated(stack: Stack, project: Project) -> None:
    token = project.api.post("/tokens", json={"name": "rotated", "scopes": "read", "rateLimit": 0}).json()
    headers, path = new_key(), f"/tokens/{token['id']}/rotate"
    first = project.api.post(path, json={"overlap": 0}, headers=headers).json()
    again = project.api.post(path, json={"overlap": 0}, headers=headers)
    assert replayed(again)
    assert "token" not in again.json()
    assert stack.client(first["token"]).get("/links").status_code == 200


@pytest.mark.parametrize("path", ["/links", "/tags", "/tokens", "/webhooks"])
def test_another_body_or_query_is_a_conflict(project: Project, path: str) -> None:
    body, headers = POSTS[path](), new_key()
    project.api.post(path, json=body, headers=headers).raise_for_status()
    assert refusal(project.api.post(path, json=POSTS[path]() | {"name": "b"}, headers=headers)) == (409, "conflict")
    slug = {"projectSlug": project.slug}
    assert refusal(project.api.post(path, json=body, headers=headers, params=slug)) == (409, "conflict")
    assert replayed(project.api.post(path, json=body, headers=headers))


def test_keys_are_kept_by_project_method_and_path(stack: Stack, project: Project) -> None:
    headers, other = new_key(), stack.new_project("another").api
    body = {"name": name(), "scopes": "read", "url": "https://example.com"}
    answers = [
        project.api.post("/tags", json=body, headers=headers),
        project.api.post("/tokens", json=body, headers=headers),
        project.api.post("/links", json=body, headers=headers),
        other.post("/tags", json=body, headers=headers),
    ]
    assert [(answer.status_code, replayed(answer)) for answer in answers] == [(200, False)] * 4
    changed = project.api.patch(f"/tags/{answers[0].json()['id']}", json={"color": "red"}, headers=headers)
    assert (changed.status_code, changed.json()["color"], replayed(changed)) == (200, "red", False), "no POST"


def test_only_successes_are_kept(project: Project) -> None:
    headers = new_key()
    assert refusal(project.api.post("/tags", json={"name": ""}, headers=headers))[0] == 422
    right = project.api.post("/tags", json={"name": name()}, headers=headers)
    assert (right.status_code, replayed(right)) == (200, False)
    taken, headers = right.json()["name"], new_key()
    assert refusal(project.api.post("/tags", json={"name": taken}, headers=headers))[0] == 409
    free = project.api.post("/tags", json={"name": name()}, headers=headers)
    assert (free.status_code, replayed(free)) == (200, False)


@pytest.mark.parametrize("path", ["/tags", "/webhooks"])
def test_a_key_has_1_to_255_characters(project: Project, path: str) -> None:
    for length, status in ((255, 200), (256, 422), (0, 422)):
        headers = {"Idempotency-Key": "k" * length}
        answer = project.api.post(path, json=POSTS[path](), headers=headers)
        assert answer.status_code == status, answer.text
    wrong = project.api.post(path, json=POSTS[path](), headers={"Idempotency-Key": "k" * 256})
    assert wrong.json()["error"]["message"].startswith("Idempotency-Key: ")


def test_it_needs_the_scope_like_any_call(stack: Stack, project: Project) -> None:
    body, headers = POSTS["/tags"](), new_key()
    project.api.post("/tags", json=body, headers=headers).raise_for_status()
    reader = project.api.post("/tokens", json={"name": "reader", "scopes": "read"}).json()["token"]
    assert refusal(stack.client(reader).post("/tags", json=body, headers=headers)) == (403, "forbidden")


@asynccontextmanager
async def held(stack: Stack, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody else writes to the table meanwhile: who wants to, waits inside its transaction."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


async def is_waited_for(connection: asyncpg.Connection, table: str) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass"
    return bool(await connection.fetchval(waiting, table))


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/tags", "links.tags"),
        ("/tokens", "links.audit"),
        ("/links", "links.links"),
        ("/links/bulk", "links.links"),
        ("/webhooks", "webhooks.endpoints"),
    ],
)
async def test_a_repeat_while_the_first_runs_is_a_conflict(
    stack: Stack, project: Project, path: str, table: str
) -> None:
    body, headers = POSTS[path](), new_key()
    with ThreadPoolExecutor(1) as pool:
        async with held(stack, table) as connection:
            first = pool.submit(project.api.post, path, json=body, headers=headers)
            for _ in range(1000):
                if await is_waited_for(connection, table):
                    break
                assert not first.done(), first.result().text
            else:
                raise AssertionError("the first call never came to its work")
            assert refusal(project.api.post(path, json=body, headers=headers)) == (409, "conflict")
            other = project.api.get("/links")
            assert other.status_code == 200, "nobody else waits"
        answer = first.result(WAIT_S)
    assert (answer.status_code, replayed(answer)) == (200, False), answer.text
    assert replayed(project.api.post(path, json=body, headers=headers))


def test_many_at_once_have_one_effect(project: Project) -> None:
    body, headers = POSTS["/tags"](), new_key()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: project.api.post("/tags", json=body, headers=headers), range(24)))
    made = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(not replayed(answer) for answer in made) == 1
    assert len({answer.json()["id"] for answer in made}) == 1


async def test_after_24_hours_a_key_is_a_new_one(stack: Stack, project: Project) -> None:
    headers, body = new_key(), {"url": "https://example.com/aged"}
    first = project.api.post("/links", json=body, headers=headers).json()
    connection = await asyncpg.connect(stack.database_url)
    aged = "UPDATE links.idempotent_calls SET created_at = now() - interval '24 hours' WHERE key = $1"
    assert await connection.execute(aged, headers["Idempotency-Key"]) == "UPDATE 1"
    await connection.close()
    second = project.api.post("/links", json=body | {"title": "another body"}, headers=headers)
    assert (second.status_code, replayed(second)) == (200, False)
    assert second.json()["id"] != first["id"]
    assert replayed(project.api.post("/links", json=body | {"title": "another body"}, headers=headers))


async def test_a_kept_answer_holds_no_secret(stack: Stack, project: Project) -> None:
    headers = new_key()
    secrets = [
        project.api.post(path, json=POSTS[path](), headers=headers).json()[field] for path, field in SECRETS.items()
    ]
    connection = await asyncpg.connect(stack.database_url)
    kept = [
        json.loads(answer)
        for schema in ("links", "webhooks")
        for (answer,) in await connection.fetch(f"SELECT convert_from(answer, 'UTF8') FROM {schema}.idempotent_calls")
    ]
    await connection.close()
    assert kept
    assert not [secret for secret in secrets if secret in json.dumps(kept)]


class Repeats:
    """Posts tags, each with a key of its own, and repeats each until it is answered."""

    def __init__(self, project: Project, path: str, body: Callable[[int], Any]) -> None:
        self._project = project
        self._path = path
        self._body = body
        self._stop = threading.Event()
        self.answers: dict[int, list[dict[str, Any]]] = {}
        self.unanswered: set[int] = set()

    def __enter__(self) -> "Repeats":
        self._threads = [threading.Thread(target=self._run, args=(start,)) for start in range(3)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._stop.is_set():
            self.post(number)
            number += 3

    def post(self, number: int) -> bool:
        try:
            answer = self._project.api.post(
                self._path, json=self._body(number), headers={"Idempotency-Key": f"crash-{self._path}-{number}"}
            )
        except httpx.HTTPError:
            self.unanswered.add(number)
            return False
        if answer.status_code != 200:
            assert answer.status_code in (409, 503), answer.text
            self.unanswered.add(number)
            return False
        self.answers.setdefault(number, []).append(answer.json())
        return True


@pytest.fixture(params=["/links", "/tags"])
def repeats(request: pytest.FixtureRequest, stack: Stack) -> tuple[Project, str, Repeats]:
    project = stack.new_project("crashes")
    bodies = {
        "/links": lambda number: {"url": f"https://example.com/{number}", "externalId": f"n-{number}"},
        "/tags": lambda number: {"name": f"n-{number}"},
    }
    return project, request.param, Repeats(project, request.param, bodies[request.param])


@pytest.mark.faults
def test_a_kill_in_the_middle_leaves_one_effect_for_each_key(
    stack: Stack, repeats: tuple[Project, str, Repeats]
) -> None:
    project, path, calls = repeats
    with calls:
        for _ in range(2):
            enough = len(calls.answers) + 30
            stack.wait_until(lambda enough=enough: len(calls.answers) >= enough, 60)
            stack.kill("link-api")
    stack.wait_until(lambda: project.api.get(path).status_code == 200, 30)
    numbers = sorted({*calls.answers, *calls.unanswered})
    assert calls.unanswered, "nothing was interrupted"
    for number in numbers:
        stack.wait_until(lambda number=number: calls.post(number), WAIT_S)
    assert all(len({answer["id"] for answer in answers}) == 1 for answers in calls.answers.values())
    assert stored(project, path) == {calls.answers[number][0]["id"] for number in numbers}


def stored(project: Project, path: str) -> set[str]:
    """The ids of all there are."""
    found: list[str] = []
    page = 1
    while rows := project.api.get(path, params={"page": page, "pageSize": 100}).json():
        found += [row["id"] for row in rows]
        page += 1
    assert len(found) == len(set(found))
    return set(found)


def test_a_repeat_is_answered_although_the_call_would_now_be_refused(project: Project) -> None:
    headers = new_key()
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    body = {"name": name(), "scopes": "read", "expiresAt": soon}
    first = project.api.post("/tokens", json=body, headers=headers).raise_for_status().json()
    while datetime.now(UTC).isoformat() <= soon:
        time.sleep(0.1)
    again = project.api.post("/tokens", json=body, headers=headers)
    assert replayed(again)
    assert again.json() == {field: value for field, value in first.items() if field != "token"}
    assert refusal(project.api.post("/tokens", json=body)) == (422, "unprocessable_entity")
