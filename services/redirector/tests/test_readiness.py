"""What a redirector needs, and what it only wants."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from codeqr_common.health import Readiness
from codeqr_common.http.internal import InternalClient
from codeqr_common.redis import connect
from redirector.clicks.spool import Spool
from redirector.follower import Follower
from redirector.serve import readiness_of

NOBODY = "127.0.0.1:1"


@pytest.fixture
async def readiness(spool: Spool) -> AsyncIterator[Readiness]:
    """Of a redirector that has its spool, and nothing else."""
    redis = connect(f"redis://{NOBODY}/0", timeout_s=0.05)
    link_api = InternalClient(f"http://{NOBODY}", SecretStr("x"), timeout_s=0.2)
    follower = Follower(NOBODY, lambda _event: None, lambda: None)
    yield readiness_of(spool, follower, redis, link_api)
    await redis.aclose()
    await link_api.aclose()


async def test_it_is_ready_without_what_it_only_wants(readiness: Readiness) -> None:
    assert await readiness.missing() == {}
    assert set(await readiness.unavailable()) == {"link events", "redis", "link-api"}


async def test_it_is_not_ready_while_clicks_are_lost(readiness: Readiness, spool: Spool) -> None:
    spool._limit_bytes = 0
    spool.append([b"[]"])
    assert await readiness.missing() == {"spool": "NotReady: clicks are lost: limit"}
