"""An engine whose URL is set is taken from there, and not started."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from running import Stack

ONLY = "postgres,redis,migrate-links,link-api"


@pytest.fixture
def beside(stack: Stack, tmp_path: Path) -> Iterator[tuple[Stack, str]]:
    """A part of a second stack, on the Redis of the first (another database of it)."""
    url = stack.redis_url.rsplit("/", 1)[0] + "/5"
    home = tmp_path / "home"
    environment = stack.environment | {
        "CODEQR_HOME": str(home),
        "CODEQR_PORT_BASE": str(stack.port(200)),
        "CODEQR_REDIS_URL": url,
    }
    second = Stack(environment, home, {})
    done = second.codeqr("up", "--detach", "--only", ONLY, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    yield second, url
    second.down()
    shutil.rmtree(home, ignore_errors=True)


def test_redis_is_replaced_by_its_url(beside: tuple[Stack, str]) -> None:
    second, url = beside
    assert set(second.processes()) == {"postgres", "link-api"}

    made = second.codeqr("projects", "create", "elsewhere", "--json")
    assert made.returncode == 0, made.stderr
    key = httpx.Response(200, content=made.stdout).json()["apiKey"]
    answer = httpx.get(f"http://127.0.0.1:{second.port(10)}/links", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200

    cached: Any = redis.Redis.from_url(url).keys("key:*")
    assert len(cached) == 1
