"""What is measured: link-api with a project and a key, and the bare routes beside it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.api.processes import free_ports, service

TOKEN = "bench"  # noqa: S105 - of internal listeners on loopback, for as long as the benchmark runs
LIMIT = 1_000_000
"""A limit that nobody reaches, so that requests are counted."""
POOL = 10
SHORT_DOMAIN = "bench.test"


@dataclass(frozen=True)
class LinkApi:
    """A running link-api. `keys`: an API key of each project."""

    pid: int
    url: str
    internal_url: str

    def project(self, name: str) -> tuple[str, str]:
        """A new project's id, and a key of it that is counted against a limit."""
        made = self._internal(name)
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {made['apiKey']}"}) as client:
            body = {"name": "bench", "scopes": "all", "rateLimit": LIMIT}
            answer = client.post("/tokens", json=body).raise_for_status().json()
        return str(made["id"]), str(answer["token"])

    def _internal(self, name: str) -> dict[str, Any]:
        answer = httpx.post(
            f"{self.internal_url}/internal/projects",
            json={"name": name},
            headers={"Authorization": f"Internal {TOKEN}"},
        )
        made: dict[str, Any] = answer.raise_for_status().json()
        return made


@contextmanager
def link_api(engines: Mapping[str, Any]) -> Iterator[LinkApi]:
    """One process of the API on the service's core; everything is on, as in production."""
    port, internal, admin = free_ports(3)
    environment = {
        "CODEQR_DATABASE_URL": engines["databaseUrl"],
        "CODEQR_REDIS_URL": engines["redisUrl"],
        "CODEQR_SERVICE_TOKEN": TOKEN,
        "CODEQR_SHARED_DOMAINS": SHORT_DOMAIN,
        "CODEQR_DOMAINS_VERIFY_AT_ONCE": "true",
        "CODEQR_PORT": str(port),
        "CODEQR_INTERNAL_PORT": str(internal),
        "CODEQR_ADMIN_PORT": str(admin),
        "CODEQR_HOT_POOL_SIZE": str(POOL),
        "CODEQR_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "link_api", "api"]
    with service(command, environment, admin, "/readyz") as pid:
        yield LinkApi(pid, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal}")


@contextmanager
def bare(engines: Mapping[str, Any], row_bytes: int, answer_bytes: int) -> Iterator[tuple[int, str]]:
    """The bare routes, with rows and answers of these sizes. Gives pid and URL."""
    (port,) = free_ports(1)
    environment = {
        "CODEQR_DATABASE_URL": engines["databaseUrl"],
        "CODEQR_PORT": str(port),
        "BENCH_POOL": str(POOL),
        "BENCH_ROW_BYTES": str(row_bytes),
        "BENCH_ANSWER_BYTES": str(answer_bytes),
    }
    command = [sys.executable, "-m", "bench.api.baseline"]
    with service(command, environment | {"PYTHONPATH": str(Path.cwd())}, port, "/rows/info") as pid:
        yield pid, f"http://127.0.0.1:{port}"
