"""Projects: what a key sees of its own, what the command does with all, and what a deleted one leaves: nothing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx
import pytest

from answers import TIME, ok, refused, unique
from dump import Rows
from running import Project, Stack

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
COUNTED_S = 30.0
REVOKED_S = 5.0
"""How soon a key that was revoked stops working everywhere (contract 1.1)."""
FRESH_S = 1.0
GONE_S = 30.0
MANY_LINKS = 2_000
POLL_S = 0.02
PLACES = ("/links", "/analytics", "/webhooks", "/tags", "/domains", "/projects")
REMEMBERED = {"webhooks.deleted_projects"}
"""Tables that know that a project was deleted."""


@pytest.fixture
def project(stack: Stack) -> Project:
    return stack.new_project("Deleted later")


@pytest.fixture
def rows(stack: Stack) -> Iterator[Rows]:
    one = Rows(stack.database_url)
    yield one
    one.close()


@pytest.fixture
def receiver() -> Iterator[str]:
    """Takes every callback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def command(stack: Stack, *arguments: str) -> Any:
    """What `codeqr projects` prints as JSON."""
    done = stack.codeqr("projects", *arguments, "--json", timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def visit(stack: Stack, link: dict[str, Any], query: str = "") -> httpx.Response:
    headers = {"Host": link["domain"], "User-Agent": BROWSER}
    return httpx.get(f"{stack.short_url}/{link['key']}{query}", headers=headers, timeout=10)


def test_a_key_sees_its_own_project(stack: Stack, project: Project) -> None:
    shown = ok(project.api.get(f"/projects/{project.slug}"))
    assert TIME.fullmatch(shown["createdAt"])
    assert shown == {
        "id": project.id,
        "name": "Deleted later",
        "slug": project.slug,
        **dict.fromkeys(("clicks", "scans", "linksUsage", "qrCodesUsage"), 0),
        "domains": [],
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    assert ok(project.api.get("/projects")) == [shown]
    assert ok(project.api.get("/projects", params={"page": 2})) == []
    refused(project.api.get("/projects", params={"pageSize": 0}), "unprocessable_entity")


def test_other_projects_and_none_are_refused_alike(stack: Stack, project: Project) -> None:
    others = [stack.new_project().slug, stack.project_slug, unique("nobody")]
    assert len({refused(project.api.get(f"/projects/{slug}"), "forbidden") for slug in others}) == 1


def test_its_figures_are_those_of_its_links(stack: Stack, project: Project) -> None:
    domain = ok(project.api.post("/domains", json={"slug": f"{unique('p')}.example", "primary": True}))
    second = ok(project.api.post("/domains", json={"slug": f"{unique('p')}.example"}))
    link = ok(project.api.post("/links", json={"url": "a.com"}))
    ok(project.api.post("/links", json={"url": "a.com"}))
    stack.wait_until(lambda: visit(stack, link).status_code == 302, COUNTED_S)
    for query in ("", "?qr=1", "?qr=1"):
        assert visit(stack, link, query).status_code == 302
    shown = stack.wait_until(
        lambda: (now := ok(project.api.get(f"/projects/{project.slug}")))["clicks"] >= 4 and now, COUNTED_S
    )
    assert (shown["clicks"], shown["scans"], shown["linksUsage"]) == (4, 2, 2)
    assert shown["domains"] == [
        {"slug": domain["slug"], "primary": True, "verified": True},
        {"slug": second["slug"], "primary": False, "verified": True},
    ]
    assert command(stack, "show", project.slug) == shown


def test_the_command_makes_shows_and_changes_projects(stack: Stack) -> None:
    slug, renamed = unique("cli"), unique("renamed")
    made = command(stack, "create", "Made by hand", "--slug", slug)
    assert (made["slug"], sorted(made)) == (slug, ["apiKey", "id", "slug"])
    again = stack.codeqr("projects", "create", "Another", "--slug", slug)
    assert (again.returncode, again.stderr) == (1, "codeqr: A project with this slug exists already.\n")
    bad = stack.codeqr("projects", "create", "Another", "--slug", "No Slug")
    assert bad.returncode == 1
    assert "slug: " in bad.stderr

    api = stack.client(made["apiKey"])
    before = ok(api.get(f"/projects/{slug}"))
    changed = command(stack, "update", slug, "--name", "Other", "--slug", renamed)
    assert changed == before | {"name": "Other", "slug": renamed, "updatedAt": changed["updatedAt"]}
    stack.wait_until(lambda: api.get("/tags", params={"projectSlug": renamed}).status_code == 200, REVOKED_S)
    refused(api.get("/tags", params={"projectSlug": slug}), "forbidden")
    assert changed in command(stack, "list")
    assert stack.codeqr("projects", "update", renamed).returncode == 2
    for arguments in (("show", slug), ("update", slug, "--name", "x"), ("delete", slug, "--yes")):
        unknown = stack.codeqr("projects", *arguments)
        assert (unknown.returncode, unknown.stderr) == (1, f"codeqr: There is no project {slug}.\n")


def test_a_deletion_is_asked_about(stack: Stack, project: Project) -> None:
    process = [sys.executable, "-m", "codeqr_local", "projects", "delete", project.slug]
    done = subprocess.run(process, input="n\n", capture_output=True, text=True, env=stack.environment, check=False)
    assert done.returncode == 1
    assert "0 links" in done.stderr
    assert ok(project.api.get(f"/projects/{project.slug}"))["slug"] == project.slug


def furnish(stack: Stack, project: Project, receiver: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A domain, tags, a webhook, links, clicks and deliveries, all arrived. Gives the links that were visited."""
    api = project.api
    domain = ok(api.post("/domains", json={"slug": f"{unique('gone')}.example", "notFoundUrl": "lost.example"}))
    triggers = ["link.created", "link.updated", "link.deleted", "link.clicked"]
    ok(api.post("/webhooks", json={"name": "r", "url": receiver, "triggers": triggers}))
    own = ok(api.post("/links", json={"url": "a.com", "domain": domain["slug"], "key": "x", "tagNames": ["t"]}))
    headers = {"Idempotency-Key": unique()}
    shared = ok(api.post("/links", json={"url": "a.com", "key": unique("s"), "tagNames": "t, u"}, headers=headers))
    for link in (own, shared):
        stack.wait_until(lambda: visit(stack, link).status_code == 302, COUNTED_S)  # noqa: B023
        for _ in range(3):
            assert visit(stack, link).status_code == 302
        stack.wait_until(lambda: ok(api.get(f"/links/{link['id']}"))["clicks"] == 4, COUNTED_S)  # noqa: B023
    stack.wait_until(lambda: ok(api.get("/analytics"))["clicks"] == 8, COUNTED_S)
    deliveries = "SELECT count(*) FROM webhooks.deliveries d JOIN webhooks.endpoints e ON e.id = d.endpoint_id"
    wanted = f"{deliveries} WHERE e.project_id = $1 AND d.status = 'delivered'"
    stack.wait_until(lambda: number(stack, wanted, project.id) == 10, COUNTED_S)
    return own, shared


def number(stack: Stack, query: str, *parameters: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(stack.database_url)
        try:
            return int(await connection.fetchval(query, *parameters))
        finally:
            await connection.close()

    return asyncio.run(ask())


@contextmanager
def held(stack: Stack, query: str, *parameters: str) -> Iterator[None]:
    """The locks that the query takes are held for the block."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(stack.database_url))
    try:
        loop.run_until_complete(connection.execute("BEGIN"))
        loop.run_until_complete(connection.execute(query, *parameters))
        yield
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


def links_left(stack: Stack, project: Project) -> int:
    return number(stack, "SELECT count(*) FROM links.links WHERE project_id = $1", project.id)


def clicks_of(stack: Stack, project: Project) -> list[Any]:
    return list(stack.clicks(project.id))


def until(what: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(POLL_S)


def test_a_deleted_project_leaves_nothing_anywhere(stack: Stack, project: Project, receiver: str, rows: Rows) -> None:
    own, shared = furnish(stack, project, receiver)
    neighbour = stack.new_project()
    other = ok(neighbour.api.post("/links", json={"url": "a.com"}))
    stack.wait_until(lambda: visit(stack, other).status_code == 302, COUNTED_S)
    before, ids = rows.whole(project.id)
    assert {"webhooks.deliveries", "webhooks.attempts", "webhooks.events", "links.audit", "links.tags"} <= before.keys()
    assert len(clicks_of(stack, project)) == 8

    assert command(stack, "delete", project.slug, "--yes") == {
        "id": project.id,
        "slug": project.slug,
        "deletedLinks": 2,
    }

    until(lambda: visit(stack, shared).status_code == 404, FRESH_S)
    until(lambda: visit(stack, own).status_code == 404, FRESH_S)
    deadline = time.monotonic() + REVOKED_S
    for place in PLACES:
        until(lambda: project.api.get(place).status_code == 401, deadline - time.monotonic())  # noqa: B023
    unknown = stack.codeqr("projects", "show", project.slug)
    assert unknown.stderr == f"codeqr: There is no project {project.slug}.\n"
    assert project.slug not in [each["slug"] for each in command(stack, "list")]

    stack.wait_until(lambda: not clicks_of(stack, project), GONE_S)
    own_ids = ids - rows.whole(neighbour.id)[1]
    stack.wait_until(lambda: set(rows.of(project.id, own_ids)) <= REMEMBERED, GONE_S)
    assert visit(stack, other).status_code == 302
    again = command(stack, "create", "Anew", "--slug", project.slug)
    assert again["id"] != project.id
    taken = stack.client(again["apiKey"])
    ok(taken.post("/domains", json={"slug": own["domain"]}))
    ok(taken.post("/links", json={"url": "b.com", "key": shared["key"]}))
    until(lambda: visit(stack, shared).headers.get("location") == "https://b.com", FRESH_S)


@pytest.mark.faults
def test_a_deletion_that_was_killed_goes_on_where_it_stood(stack: Stack, project: Project) -> None:
    bodies = [[{"url": f"a.com/{part}/{number}"} for number in range(100)] for part in range(MANY_LINKS // 100)]
    with ThreadPoolExecutor(2) as pool:
        made = [
            link
            for links in pool.map(lambda body: ok(project.api.post("/links/bulk", json=body)), bodies)
            for link in links
        ]
    watched = made[:3] + made[-3:]
    for link in watched:
        stack.wait_until(lambda: visit(stack, link).status_code == 302, COUNTED_S)  # noqa: B023

    arguments = [sys.executable, "-m", "codeqr_local", "projects", "delete", project.slug, "--yes"]
    last = max(link["id"] for link in made)
    with (
        held(stack, "SELECT FROM links.short_links WHERE link_id = $1 FOR UPDATE", last),
        subprocess.Popen(arguments, env=stack.environment, stderr=subprocess.PIPE, text=True) as deleting,
    ):
        until(lambda: links_left(stack, project) < MANY_LINKS, GONE_S)
        before = stack.processes()["link-api"]
        os.kill(before, signal.SIGKILL)
        assert deleting.wait(60) == 1
    left = links_left(stack, project)
    assert 0 < left < MANY_LINKS
    stack.wait_until(lambda: stack.processes().get("link-api", before) != before, GONE_S)
    stack.wait_until(lambda: project.api.get("/links").status_code == 401, GONE_S)
    gone = [
        link for link in watched if number(stack, "SELECT count(*) FROM links.links WHERE id = $1", link["id"]) == 0
    ]
    for link in gone:
        until(lambda: visit(stack, link).status_code == 404, REVOKED_S)  # noqa: B023
    for link in [link for link in watched if link not in gone]:
        assert visit(stack, link).status_code == 302, "what is not deleted yet still redirects"

    assert command(stack, "delete", project.slug, "--yes")["deletedLinks"] == left
    assert links_left(stack, project) == 0
    for link in watched:
        until(lambda: visit(stack, link).status_code == 404, REVOKED_S)  # noqa: B023
    events = "SELECT count(*) FROM links.short_links s WHERE s.link_id = ANY(string_to_array($1, ','))"
    assert number(stack, events, ",".join(link["id"] for link in made)) == 0


def test_links_made_while_the_project_is_deleted_are_deleted_too(stack: Stack, project: Project) -> None:
    """Calls that the gate let through just before: each is refused, or its link goes with the rest."""
    stop = threading.Event()
    statuses: set[int] = set()

    def make() -> None:
        while not stop.is_set():
            statuses.add(project.api.post("/links", json={"url": "a.com", "tagNames": [unique()]}).status_code)

    with ThreadPoolExecutor(6) as pool:
        making = [pool.submit(make) for _ in range(5)]
        until(lambda: links_left(stack, project) > 5, COUNTED_S)
        command(stack, "delete", project.slug, "--yes")
        until(lambda: 401 in statuses, REVOKED_S)
        stop.set()
    for future in making:
        future.result()
    assert statuses <= {200, 401, 409}
    assert links_left(stack, project) == 0
    held = """SELECT count(*) FROM links.short_links AS held WHERE held.link_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM links.links AS link WHERE link.id = held.link_id)"""
    assert number(stack, held) == 0
