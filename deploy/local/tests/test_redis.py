"""The local Redis: nobody without its password."""

import asyncio
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from codeqr_local import readiness
from codeqr_local.engines import redis
from codeqr_local.readiness import NotReady


@pytest.fixture
def port(tmp_path: Path, free_port_base: int) -> Iterator[int]:
    """Of a running server with its data in `tmp_path`."""
    chosen = free_port_base + 6
    spec = redis.spec(tmp_path, chosen)
    server = subprocess.Popen(spec.command, cwd=spec.folder, stdout=subprocess.DEVNULL)
    yield chosen
    server.kill()
    server.wait()


async def test_only_the_password_opens_it(tmp_path: Path, port: int) -> None:
    url = redis.url(tmp_path, port)
    async with asyncio.timeout(10):
        await readiness.wait_until(readiness.redis(url))
    with pytest.raises(NotReady, match="NOAUTH"):
        await readiness.redis(f"redis://127.0.0.1:{port}/0")()
    with pytest.raises(NotReady, match="WRONGPASS"):
        await readiness.redis(f"redis://:wrong@127.0.0.1:{port}/0")()


def test_the_password_is_kept_and_nobody_elses_to_read(tmp_path: Path) -> None:
    spec = redis.spec(tmp_path, 1)
    password = urlsplit(redis.url(tmp_path, 1)).password
    assert password is not None
    assert len(password) >= 32
    assert password == urlsplit(redis.url(tmp_path, 2)).password
    assert not any(password in argument for argument in spec.command)
    holders = [path for path in redis.folder(tmp_path).iterdir() if password in path.read_text()]
    assert len(holders) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}
