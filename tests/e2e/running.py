"""A running stack as tests see it: through the door for scripts, HTTP, and signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

POLL_S = 0.1
START_LIMIT_S = 240


@dataclass(frozen=True)
class Project:
    """A project of a test's own, with a client that holds its key."""

    id: str
    slug: str
    api_key: str
    api: httpx.Client


class Stack:
    """The stack whose environment is `environment`; `kill` has a function for each engine that is a container."""

    def __init__(self, environment: Mapping[str, str], home: Path, kill: Mapping[str, Any]) -> None:
        self.environment = dict(environment)
        self.home = home
        self._kill = kill
        self.env: dict[str, Any] = {}

    def up(self) -> None:
        """Start it and wait until it is ready."""
        done = self.codeqr("up", "--detach", timeout=START_LIMIT_S)
        assert done.returncode == 0, f"codeqr up failed:\n{done.stdout}\n{done.stderr}"
        self.env = json.loads(self.codeqr("env", "--json").stdout)
        self.api = self.client(self.api_key)

    def down(self) -> None:
        """Stop it and wait until it is gone."""
        done = self.codeqr("down", timeout=120)
        assert done.returncode == 0, f"codeqr down failed:\n{done.stdout}\n{done.stderr}"

    def codeqr(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the command as a person would."""
        command = [sys.executable, "-m", "codeqr_local", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.environment, timeout=timeout, check=False
        )

    @property
    def api_url(self) -> str:
        return str(self.env["apiUrl"])

    @property
    def short_url(self) -> str:
        return str(self.env["shortUrl"])

    @property
    def short_domain(self) -> str:
        return str(self.env["shortDomain"])

    @property
    def api_key(self) -> str:
        return str(self.env["apiKey"])

    @property
    def project_slug(self) -> str:
        return str(self.env["projectSlug"])

    @property
    def kafka_bootstrap(self) -> str:
        return str(self.env["kafkaBootstrap"])

    @property
    def database_url(self) -> str:
        return str(self.env["databaseUrl"])

    @property
    def redis_url(self) -> str:
        return str(self.env["redisUrl"])

    def port(self, offset: int) -> int:
        """The port at `offset` from the stack's base."""
        return int(self.environment["CODEQR_PORT_BASE"]) + offset

    def client(self, api_key: str) -> httpx.Client:
        """An API client with a key."""
        return httpx.Client(base_url=self.api_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=15)

    def new_project(self, name: str = "a test's own") -> Project:
        """A project that no other test knows."""
        done = self.codeqr("projects", "create", name, "--json")
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        return Project(made["id"], made["slug"], made["apiKey"], self.client(made["apiKey"]))

    def processes(self) -> dict[str, int]:
        """Name → pid of what lives now."""
        done = self.codeqr("env", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, int] = json.loads(done.stdout)["processes"]
        return found

    def kill(self, name: str) -> None:
        """`kill -9` of a process or of a container's engine; returns when it runs again, with another pid."""
        if name in self._kill:
            self._kill[name]()
            return
        before = self.processes()[name]
        os.kill(before, signal.SIGKILL)
        self.wait_until(lambda: self.processes().get(name, before) != before, 30)

    def clicks(self, project_slug: str | None = None) -> Iterator[dict[str, Any]]:
        """What ClickHouse holds."""
        project = ("--project", project_slug) if project_slug else ()
        done = self.codeqr("clicks", "--json", *project, timeout=120)
        assert done.returncode == 0, done.stderr
        return (json.loads(line) for line in done.stdout.splitlines())

    def wait_until(self, predicate: Callable[[], Any], seconds: float) -> Any:
        """Poll until `predicate` gives something true, and return that; fail after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            found = predicate()
            if found:
                return found
            assert time.monotonic() < deadline, f"not true within {seconds:g} s: {predicate}"
            time.sleep(POLL_S)
