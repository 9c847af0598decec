"""What must be there before the stack is of use: tables, topics, a project to try things with."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from codeqr_local.children import Children, LineSink
from codeqr_local.credentials import Credentials
from codeqr_local.errors import StartFailed
from codeqr_local.internal import InternalApi, NotThere
from codeqr_local.process import Step
from codeqr_local.projects import delete_all
from codeqr_local.services import MIGRATE_LINKS, MIGRATE_WEBHOOKS, TOPICS

DEMO_PROJECT = "demo-project"
_TRIES = 5
_PAUSE_SECONDS = 1.0
_PROJECT_NAME = "Demo"
_PROJECT_SLUG = "demo"


def steps(home: Path, environment: Mapping[str, str], api: InternalApi, credentials: Credentials) -> list[Step]:
    """All of them, each repeatable."""
    return [
        _module(MIGRATE_LINKS, ("link_api", "migrate"), "postgres", environment),
        _module(MIGRATE_WEBHOOKS, ("webhooks", "migrate"), "postgres", environment),
        _module(TOPICS, ("codeqr_common.kafka.topics",), "kafka", environment),
        _demo_project(home, api, credentials),
    ]


def _module(name: str, command: tuple[str, ...], after: str, environment: Mapping[str, str]) -> Step:
    """Run one of our modules to its end; an engine that has just started may refuse once or twice."""

    async def run(children: Children, on_line: LineSink) -> None:
        own = {**environment, "CODEQR_INSTANCE": name}
        for attempt in range(1, _TRIES + 1):
            status = await children.run((sys.executable, "-m", *command), on_line, environment=own)
            if status == 0:
                return
            await asyncio.sleep(_PAUSE_SECONDS if attempt < _TRIES else 0)
        raise StartFailed(f"{name} failed {_TRIES} times, in the end with status {status}", (name,))

    return Step(name, run, frozenset({after}))


def _demo_project(home: Path, api: InternalApi, credentials: Credentials) -> Step:
    async def run(_: Children, __: LineSink) -> None:
        await asyncio.to_thread(ensure_demo_project, home, api, credentials)

    return Step(DEMO_PROJECT, run, frozenset({"link-api"}))


def ensure_demo_project(home: Path, api: InternalApi, credentials: Credentials) -> None:
    """A project and a key that work: those of the last start if they still do, else new ones."""
    if credentials.api_key and _key_works(api, credentials.api_key):
        return
    try:
        project = api.get(f"/internal/projects/{_PROJECT_SLUG}")
        key = api.post(f"/internal/projects/{_PROJECT_SLUG}/keys", {})["apiKey"]
    except NotThere:
        _finish_deletion(api)
        project = api.post("/internal/projects", {"name": _PROJECT_NAME, "slug": _PROJECT_SLUG})
        key = project["apiKey"]
    credentials.project_id, credentials.project_slug = project["id"], project["slug"]
    credentials.api_key = key
    credentials.save(home)


def _finish_deletion(api: InternalApi) -> None:
    """The project is not to be found: if somebody's deletion of it was broken off, its slug is still taken."""
    try:
        delete_all(api, _PROJECT_SLUG, lambda _links: None)
    except NotThere:
        pass


def _key_works(api: InternalApi, key: str) -> bool:
    try:
        api.post("/internal/keys/verify", {"hash": hashlib.sha256(key.encode()).hexdigest()})
    except NotThere:
        return False
    return True
