"""Projects do not see, change or notice each other, on any route that the API's document has."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from answers import ok, refused
from dump import Rows, differences
from operations import Operation, document_of, operations
from running import Stack
from tenant_walk import Attacker, Walk
from tenants import Tenant

PROGRAM = Path(__file__).with_name("programs") / "leaky_api.py"
LEAKY_PORT, LEAKY_ADMIN_PORT = 90, 91
START_S = 90.0
ELSEWHERE = ("analytics", "events", "stats", "webhooks")
"""First segments of paths that other services answer."""


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Iterator[Rows]:
    one = Rows(stack.database_url)
    yield one
    one.close()


@pytest.fixture(scope="module")
def victim(stack: Stack, rows: Rows) -> Tenant:
    return Tenant(stack, rows)


@pytest.fixture
def document(stack: Stack) -> dict[str, Any]:
    return document_of(stack.api_url)


def test_the_victim_has_one_of_everything(victim: Tenant, rows: Rows) -> None:
    dump, _ = rows.whole(victim.project.id)
    tables = {"projects", "users", "api_keys", "domains", "tags", "links", "short_links", "link_tags", "link_counters"}
    assert {f"links.{name}" for name in tables | {"audit", "idempotent_calls", "short_domains"}} <= dump.keys()
    assert "webhooks.endpoints" in dump
    whole = "\n".join(row for rows_of_table in dump.values() for row in rows_of_table)
    assert all(victim.link[field] not in (None, False, []) for field in victim.link if field not in UNFILLED)
    assert all(text in whole for text in (victim.link["title"], victim.link["geo"]["BR"], victim.tag["name"]))


UNFILLED = {"archived", "rewrite", "flexible", "filled", "lastClicked", "clicks", "leads", "sales", "saleAmount"}


def walk(stack: Stack, api_url: str, victim: Tenant, rows: Rows) -> Walk:
    """`api_url`: where the walk goes."""
    reader, writer = (Attacker(stack.new_project(), api_url) for _ in range(2))
    return Walk(reader, writer, victim, rows)


def test_no_route_shows_or_changes_anything_of_another_project(
    stack: Stack, victim: Tenant, rows: Rows, document: dict[str, Any]
) -> None:
    found = walk(stack, stack.api_url, victim, rows).findings(operations(document))
    assert not found, "\n".join(found)


def test_a_repeat_in_the_name_of_another_project_is_a_call_of_its_own(stack: Stack, victim: Tenant, rows: Rows) -> None:
    """The same path, body and Idempotency-Key: what the other project was answered is not given again."""
    before, _ = rows.whole(victim.project.id)
    other = stack.new_project()
    answer = other.api.post("/links", json=victim.shared_body, headers=victim.shared_call)
    assert "idempotent-replayed" not in answer.headers
    assert victim.shared["id"] not in answer.text
    refused(answer, "conflict")
    body = {**victim.shared_body, "key": None}
    ok(other.api.post("/links", json=body, headers={"Idempotency-Key": f"{other.slug}-1"}))
    assert not differences(before, rows.whole(victim.project.id)[0])


@pytest.fixture
def leaky_url(stack: Stack) -> Iterator[str]:
    """Another listener of the link API over the same engines, with routes that forget to ask whose a link is."""
    inherited = Path(f"/proc/{stack.processes()['link-api']}/environ").read_bytes().split(b"\0")
    environment = dict(entry.decode().split("=", 1) for entry in inherited if entry)
    environment |= {"CODEQR_PORT": str(stack.port(LEAKY_PORT)), "CODEQR_ADMIN_PORT": str(stack.port(LEAKY_ADMIN_PORT))}
    with subprocess.Popen([sys.executable, str(PROGRAM)], env=environment) as process:
        try:
            stack.wait_until(lambda: is_ready(stack.port(LEAKY_ADMIN_PORT)), START_S)
            yield f"http://127.0.0.1:{stack.port(LEAKY_PORT)}"
        finally:
            process.terminate()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_the_walk_reports_exactly_the_routes_that_leak(
    stack: Stack, victim: Tenant, rows: Rows, document: dict[str, Any], leaky_url: str
) -> None:
    document["paths"] = {path: item for path, item in document["paths"].items() if path.split("/")[1] not in ELSEWHERE}
    document["paths"] |= {
        "/leaks": {"get": described("listAllLinks")},
        "/leaks/{linkId}": {"get": described("getAnyLink", "linkId"), "post": described("touchAnyLink", "linkId")},
    }
    walked: list[Operation] = list(operations(document))
    found = walk(stack, leaky_url, victim, rows).findings(walked)
    by_route: dict[str, str] = {}
    for finding in found:
        route, _, text = finding.partition(": ")
        by_route[route] = by_route.get(route, "") + text
    assert set(by_route) == {"listAllLinks", "getAnyLink", "touchAnyLink"}, "\n".join(found)
    assert " shows " in by_route["listAllLinks"]
    assert " shows " in by_route["getAnyLink"]
    assert "links.links lost" in by_route["touchAnyLink"]


def test_a_thing_of_a_kind_that_the_walk_does_not_know_stops_it(stack: Stack, victim: Tenant, rows: Rows) -> None:
    paths = {"/leaks/{funnelId}": {"get": described("getFunnel", "funnelId", "funnel")}}
    with pytest.raises(AssertionError, match="funnelId names a funnel"):
        walk(stack, stack.api_url, victim, rows).findings(operations({"paths": paths}))


def described(operation_id: str, parameter: str = "", resource: str = "link") -> dict[str, Any]:
    """An operation as the document would have it."""
    schema = {"type": "string", "x-resource": resource}
    path = {"name": parameter, "in": "path", "required": True, "schema": schema}
    return {
        "operationId": operation_id,
        "security": [{"apiKey": []}],
        "parameters": [path] if parameter else [],
        "responses": {"200": {"content": {"application/json": {}}}},
    }
