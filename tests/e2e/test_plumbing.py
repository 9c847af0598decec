"""What every answer promises: the error envelope, the request id, closed inner doors, health on admin ports only."""

import contextlib
import os
import signal
import socket
from typing import Any

import httpx
import pytest

from running import Stack

ADMIN_OFFSETS = {
    "link-api": 12,
    "outbox-relay": 13,
    "counters": 14,
    "analytics": 22,
    "webhooks": 32,
    "redirector-0": 40,
    "redirector-1": 41,
    "sender-0": 60,
    "sender-1": 61,
}
API_PATHS = ["/links", "/analytics", "/webhooks"]
RECOVERY_SECONDS = 60.0


def error_of(answer: httpx.Response, status: int, code: str) -> str:
    """Checks that the answer is exactly an envelope with this code; its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    body = answer.json()
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["code", "doc_url", "message"]
    assert body["error"]["code"] == code
    assert body["error"]["doc_url"].endswith(f"#{code}")
    assert body["error"]["message"]
    assert answer.headers["x-request-id"]
    return str(body["error"]["message"])


def test_an_unknown_path_is_404(stack: Stack) -> None:
    error_of(httpx.get(f"{stack.api_url}/no/such/path"), 404, "not_found")
    error_of(stack.api.get("/linksandmore"), 404, "not_found")


def test_a_path_unknown_to_the_service_is_404(stack: Stack) -> None:
    error_of(stack.api.get("/analytics/no/such/path"), 404, "not_found")


@pytest.mark.parametrize("path", API_PATHS)
@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer codeqr_unknown", "Bearer", "Basic Zm9vOmJhcg==", "Internal guessed", "nonsense"],
)
def test_without_a_good_key_is_401(stack: Stack, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    error_of(httpx.get(f"{stack.api_url}{path}", headers=headers), 401, "unauthorized")


def test_a_slug_of_another_project_is_403(stack: Stack) -> None:
    error_of(stack.api.get("/links", params={"projectSlug": "someone-elses"}), 403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/links", {"GET", "POST"}),
        ("DELETE", "/analytics", {"GET"}),
        ("PATCH", "/webhooks", {"GET", "POST"}),
        ("GET", "/links/bulk", {"POST", "PATCH", "DELETE"}),
        ("PUT", "/links/bulk", {"POST", "PATCH", "DELETE"}),
        ("DELETE", "/links/info", {"GET"}),
        ("DELETE", "/links/upsert", {"POST", "PUT", "PATCH"}),
        ("PATCH", "/links/count", {"GET"}),
        ("POST", "/qr", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(
    stack: Stack, method: str, path: str, allowed: set[str]
) -> None:
    answer = stack.api.request(method, path)
    error_of(answer, 405, "method_not_allowed")
    assert allowed <= {name.strip() for name in answer.headers["allow"].split(",")}
    assert method not in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("path", ["/links", "/webhooks"])
@pytest.mark.parametrize("body", [b'{"url": ', b"\xff\xfe", b"url=https://example.com"])
def test_a_body_that_is_not_json_is_400(stack: Stack, path: str, body: bytes) -> None:
    answer = stack.api.post(path, content=body, headers={"Content-Type": "application/json"})
    error_of(answer, 400, "bad_request")


def test_a_body_over_one_mebibyte_is_400(stack: Stack) -> None:
    body = {"url": "https://example.com", "title": "x" * (1 << 20)}
    error_of(stack.api.post("/links", json=body), 400, "bad_request")


@pytest.mark.parametrize(
    ("path", "body", "begins"),
    [
        ("/links", {"url": "javascript:alert(1)"}, "url: "),
        ("/links", {"url": 7}, "url: "),
        ("/links", {"url": "https://example.com", "key": "_mine"}, "key: "),
        ("/webhooks", {"name": "x", "url": "not a url", "triggers": ["link.created"]}, "url: "),
        ("/webhooks", {"name": "x", "url": "http://127.0.0.1:1/", "triggers": ["link.cloned"]}, "triggers"),
    ],
)
def test_a_wrong_value_is_422_with_its_path(stack: Stack, path: str, body: dict[str, Any], begins: str) -> None:
    assert error_of(stack.api.post(path, json=body), 422, "unprocessable_entity").startswith(begins)


def test_a_refused_link_is_not_there(stack: Stack) -> None:
    body = {"url": "javascript:alert(1)", "key": "refused-link"}
    error_of(stack.api.post("/links", json=body), 422, "unprocessable_entity")
    params = {"domain": stack.short_domain, "key": "refused-link"}
    error_of(stack.api.get("/links/info", params=params), 404, "not_found")


@pytest.mark.parametrize("path", ["/links", "/analytics", "/webhooks", "/no/such/path"])
def test_a_sane_request_id_is_kept(stack: Stack, path: str) -> None:
    given = "Trace_me-1.2"
    answer = stack.api.get(path, headers={"X-Request-Id": given})
    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("path", ["/links", "/no/such/path"])
@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "<script>", "a;b"])
def test_an_insane_request_id_is_replaced(stack: Stack, path: str, given: str) -> None:
    [answered] = stack.api.get(path, headers={"X-Request-Id": given}).headers.get_list("x-request-id")
    assert answered
    assert answered != given


def test_every_request_without_an_id_gets_its_own(stack: Stack) -> None:
    ids = {stack.api.get("/links").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_headers_between_services_are_not_taken_from_callers(stack: Stack) -> None:
    headers = {
        "X-Internal-Callers-Request-Id": "forged",
        "X-CodeQR-Project-Id": "proj_forged",
        "X-Envoy-Upstream-Rq-Timeout-Ms": "1",
        "X-Envoy-Original-Path": "/internal/projects",
    }
    created = stack.api.post("/links", json={"url": "https://example.com/headers"}, headers=headers)
    assert created.status_code == 200, created.text
    assert created.headers["x-request-id"] != "forged"
    assert created.json()["projectId"] == stack.api.get(f"/links/{created.json()['id']}").json()["projectId"]
    assert created.json()["projectId"] != "proj_forged"
    error_of(httpx.get(f"{stack.api_url}/links", headers=headers), 401, "unauthorized")


@pytest.mark.parametrize(
    "path",
    [
        "/internal/keys/verify",
        "/internal/projects",
        "/internal/resolve",
        "/internal/salts",
        "/internal/links/lookup",
        "/internal/clicks",
        "/links/../internal/projects",
        "/links/%2e%2e/internal/projects",
        "/healthz",
        "/readyz",
        "/metrics",
    ],
)
def test_inner_doors_are_not_reachable_through_the_gateway(stack: Stack, path: str) -> None:
    for method in ("GET", "POST"):
        status, body = raw_request(stack.api_url, method, path)
        assert status in (404, 405), body
        assert b'"error"' in body


def raw_request(base: str, method: str, path: str) -> tuple[int, bytes]:
    """One request whose path goes out as it stands, which a client library would tidy up."""
    host, port = httpx.URL(base).host, httpx.URL(base).port
    with socket.create_connection((host, port or 80), timeout=10) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("offset", [11, 21])
def test_internal_listeners_want_the_service_token(stack: Stack, offset: int) -> None:
    path = "/internal/projects/demo" if offset == 11 else "/internal/clicks"
    for authorization in ("", "Internal guessed", f"Bearer {stack.api_key}"):
        answer = httpx.get(f"http://127.0.0.1:{stack.port(offset)}{path}", headers={"Authorization": authorization})
        error_of(answer, 401, "unauthorized")


@pytest.mark.parametrize("name", sorted(ADMIN_OFFSETS))
def test_health_is_on_the_admin_port(stack: Stack, name: str) -> None:
    assert name in stack.processes()
    base = f"http://127.0.0.1:{stack.port(ADMIN_OFFSETS[name])}"
    assert httpx.get(f"{base}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{base}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "missing": {}, "unavailable": {}})
    metrics = httpx.get(f"{base}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "\nprocess_cpu_seconds_total " in metrics.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_short_domain_shows_no_health(stack: Stack, path: str) -> None:
    answer = httpx.get(f"{stack.short_url}{path}", headers={"Host": stack.short_domain})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.faults
def test_the_gateway_answers_503_while_a_service_is_away(stack: Stack) -> None:
    """A killed service needs a second to start again; the question is asked as soon as its port is closed."""
    os.kill(stack.processes()["link-api"], signal.SIGKILL)
    stack.wait_until(lambda: not is_open(stack.port(10)), RECOVERY_SECONDS)
    answer = stack.api.get("/links", headers={"X-Request-Id": "while-away"})
    error_of(answer, 503, "service_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-request-id"] == "while-away"
    stack.wait_until(lambda: stack.api.get("/links").status_code == 200, RECOVERY_SECONDS)


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
