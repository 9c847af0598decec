"""Rate limits at the gateway (contract 1.3): exact under concurrency, said on every answer, open without Redis."""

import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from running import Project, Stack

HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
UNCOUNTED = "codeqr_rate_limit_uncounted_total"
ADMIN = {"link-api": 12, "analytics": 22, "webhooks": 32}
"""The offset of each service's admin port."""


@pytest.fixture(scope="module")
def project(stack: Stack) -> Project:
    return stack.new_project("limits")


@pytest.fixture
def limited(stack: Stack, project: Project) -> Callable[..., httpx.Client]:
    """Makes a client whose key has a limit."""

    def make(limit: int, scopes: str = "all") -> httpx.Client:
        body = {"name": "limited", "scopes": scopes, "rateLimit": limit}
        return stack.client(project.api.post("/tokens", json=body).raise_for_status().json()["token"])

    return make


Limited = Callable[..., httpx.Client]


def uncounted(stack: Stack) -> float:
    """Of all services together."""
    pages = [httpx.get(f"http://127.0.0.1:{stack.port(offset)}/metrics").text for offset in ADMIN.values()]
    return sum(float(number) for page in pages for number in re.findall(rf"^{UNCOUNTED} (\S+)", page, re.MULTILINE))


def test_a_key_has_exactly_its_limit_over_all_services(limited: Limited) -> None:
    client = limited(60)
    paths = ["/links", "/analytics", "/webhooks", "/tags"] * 30
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(client.get, paths))
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(passed), len(refused)) == (60, 60)
    assert sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in passed) == list(range(60))


def test_what_a_refused_request_is_told(limited: Limited) -> None:
    client = limited(1)
    first, refused = client.get("/links"), client.get("/links")
    assert first.status_code == 200
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert error["doc_url"].endswith("#rate_limit_exceeded")
    assert set(refused.headers) >= HEADERS
    wait = int(refused.headers["retry-after"])
    reset = int(refused.headers["x-ratelimit-reset"])
    assert 1 <= wait <= 61
    assert abs(reset - (time.time() + wait)) <= 2, "seconds, both"
    assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"]) == ("1", "0")


ERRORS: dict[int, tuple[str, str, dict[str, Any]]] = {
    200: ("GET", "/links", {}),
    400: ("POST", "/tags", {"content": "{nope", "headers": {"content-type": "application/json"}}),
    403: ("GET", "/links?projectSlug=another", {}),
    404: ("GET", "/links/link_none", {}),
    409: ("POST", "/tags", {"json": {"name": "limits"}}),
    422: ("POST", "/tags", {"json": {"name": 7}}),
}


@pytest.mark.parametrize("status", ERRORS)
def test_every_answer_to_a_key_has_the_headers(limited: Limited, project: Project, status: int) -> None:
    project.api.post("/tags", json={"name": "limits"})
    client = limited(50)
    method, path, sent = ERRORS[status]
    answer = client.request(method, path, **sent)
    assert answer.status_code == status, answer.text
    assert set(answer.headers) >= HEADERS
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("50", "49")


@pytest.mark.parametrize("path", ["/links", "/webhooks", "/analytics"])
def test_a_missing_scope_is_counted_too(limited: Limited, path: str) -> None:
    answer = limited(50, "tokens.read").get(path)
    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "49"


def test_without_a_limit_or_a_key_there_are_no_headers(stack: Stack, limited: Limited) -> None:
    for client in (limited(0), stack.client("codeqr_unknown"), httpx.Client(base_url=stack.api_url)):
        for path in ("/links", "/analytics", "/webhooks"):
            assert not HEADERS & set(client.get(path).headers)


def test_a_rotated_key_keeps_its_count(stack: Stack, project: Project) -> None:
    made = project.api.post("/tokens", json={"name": "rotated", "scopes": "read", "rateLimit": 5}).json()
    client = stack.client(made["token"])
    assert [client.get("/links").status_code for _ in range(3)] == [200] * 3
    rotated = stack.client(project.api.post(f"/tokens/{made['id']}/rotate").json()["token"])
    assert [rotated.get("/links").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.faults
def test_with_redis_stalled_requests_pass_and_that_is_counted(stack: Stack, limited: Limited) -> None:
    client, pid, before = limited(2), stack.processes()["redis"], uncounted(stack)
    assert client.get("/links").headers["x-ratelimit-remaining"] == "1"
    os.kill(pid, signal.SIGSTOP)
    try:
        answers = [client.get(path) for path in ("/links", "/analytics", "/webhooks") * 3]
        passed = uncounted(stack) - before
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [answer.status_code for answer in answers] == [200] * 9, "although the limit is 2"
    assert all(set(answer.headers) >= HEADERS for answer in answers)
    assert passed >= 9
    stack.wait_until(lambda: client.get("/links").status_code == 429, 10)


@pytest.mark.faults
def test_with_redis_killed_requests_pass_and_are_counted_again(stack: Stack, limited: Limited) -> None:
    client, answers = limited(100_000), []
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(stack.kill, "redis")
        stack.wait_until(lambda: answers.append(client.get("/links").status_code) or killing.done(), 40)
        killing.result()
    assert set(answers) == {200}
    stack.wait_until(lambda: counted_again(client), 20)


def counted_again(client: httpx.Client) -> bool:
    """Two requests in a row are one apart."""
    remaining = [int(client.get("/links").headers["x-ratelimit-remaining"]) for _ in range(2)]
    return remaining[0] - remaining[1] == 1
