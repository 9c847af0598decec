"""Who a key is: asked once, shared by all processes, and never believed for longer than a few seconds."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity, hash_key, new_key
from codeqr_common.auth.verifier import KeyVerifier, SharedIdentity
from codeqr_common.errors import ApiError
from codeqr_common.times import now_ms

IDENTITY = KeyIdentity("tok_1", "proj_1", "slug", "user_1", ("links.read",), 0)
LIMIT_S = 5.0


class Keys:
    """What the verifiers ask: the truth, with a count of how often they did."""

    def __init__(self) -> None:
        self.key = new_key()
        self.known: dict[str, KeyIdentity] = {hash_key(self.key): IDENTITY}
        self.asked = 0
        self.away = False
        self.was_asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()

    async def load(self, key_hash: str) -> KeyIdentity | None:
        self.asked += 1
        self.was_asked.set()
        found = self.known.get(key_hash)
        await self.answering.wait()
        if self.away:
            raise errors.service_unavailable("away")
        return found

    def revoke(self) -> None:
        self.known.clear()


@pytest.fixture
async def keys() -> Keys:
    return Keys()


async def refused(verifier: KeyVerifier, key: str) -> str | None:
    """The code of the error; None when there is none."""
    try:
        await verifier.verify(key)
    except ApiError as error:
        return error.code
    return None


async def test_many_at_once_ask_once_and_other_processes_not_at_all(keys: Keys, connected: Callable[[], Redis]) -> None:
    one, other = KeyVerifier(connected(), keys.load), KeyVerifier(connected(), keys.load)
    found = await asyncio.gather(*(one.verify(keys.key) for _ in range(50)))
    assert found == [IDENTITY] * 50
    assert await other.verify(keys.key) == IDENTITY
    assert keys.asked == 1


async def test_a_key_that_is_none_is_not_looked_up(keys: Keys, redis: Redis) -> None:
    verifier = KeyVerifier(redis, keys.load)
    assert [await refused(verifier, key) for key in ("", "Bearer", "sk_123")] == ["unauthorized"] * 3
    assert keys.asked == 0
    assert await refused(verifier, "codeqr_unknown") == "unauthorized"


async def test_unknown_keys_are_asked_for_again(keys: Keys, redis: Redis) -> None:
    """Or a key would be refused for a while after it was made."""
    verifier, known = KeyVerifier(redis, keys.load), dict(keys.known)
    keys.revoke()
    assert await refused(verifier, keys.key) == "unauthorized"
    keys.known = known
    assert await refused(verifier, keys.key) is None


async def test_an_expired_key_is_refused_although_it_is_cached(keys: Keys, redis: Redis) -> None:
    soon = msgspec.structs.replace(IDENTITY, expires_at_ms=now_ms() + 300)
    keys.known = {hash_key(keys.key): soon}
    verifier = KeyVerifier(redis, keys.load)
    assert await refused(verifier, keys.key) is None
    await until_refused(verifier, keys.key, 1.0)
    assert keys.asked == 1


async def test_who_cannot_be_asked_is_away_and_the_key_not_wrong(keys: Keys, redis: Redis) -> None:
    keys.away = True
    assert await refused(KeyVerifier(redis, keys.load), keys.key) == "service_unavailable"


async def test_what_is_forgotten_is_refused_at_once(keys: Keys, redis: Redis) -> None:
    verifier = KeyVerifier(redis, keys.load)
    await verifier.verify(keys.key)
    keys.revoke()
    await verifier.forget([hash_key(keys.key)])
    assert await refused(verifier, keys.key) == "unauthorized"


async def test_what_nobody_forgot_is_refused_in_time(keys: Keys, connected: Callable[[], Redis]) -> None:
    verifiers = [KeyVerifier(connected(), keys.load) for _ in range(3)]
    for verifier in verifiers:
        await verifier.verify(keys.key)
    keys.revoke()
    await asyncio.gather(*(until_refused(verifier, keys.key, LIMIT_S) for verifier in verifiers))


async def test_an_answer_from_before_it_was_forgotten_is_not_kept(keys: Keys, redis: Redis) -> None:
    verifier = KeyVerifier(redis, keys.load)
    keys.answering.clear()
    early = asyncio.ensure_future(verifier.verify(keys.key))
    await keys.was_asked.wait()
    keys.revoke()
    await verifier.forget([hash_key(keys.key)])
    keys.answering.set()
    assert await early == IDENTITY
    await redis.flushall()
    assert await refused(verifier, keys.key) == "unauthorized"


async def test_what_a_stalled_redis_wrote_late_is_too_old(keys: Keys, redis: Redis) -> None:
    """Its time limit began when Redis went on, but the identity is from before."""
    entry = SharedIdentity(now_ms() - 3000, IDENTITY)
    await redis.set(f"key:{hash_key(keys.key)}", msgspec.json.encode(entry), ex=2)
    keys.revoke()
    assert await refused(KeyVerifier(redis, keys.load), keys.key) == "unauthorized"


async def test_what_another_version_wrote_is_ignored(keys: Keys, redis: Redis) -> None:
    await redis.set(f"key:{hash_key(keys.key)}", b'{"other": 1}')
    assert await KeyVerifier(redis, keys.load).verify(keys.key) == IDENTITY


async def test_a_stalled_redis_holds_nobody_up_for_long(keys: Keys, redis: Redis, redis_server: Any) -> None:
    verifier = KeyVerifier(redis, keys.load)
    with redis_server.stalled():
        began = time.monotonic()
        await verifier.verify(keys.key)
        assert time.monotonic() - began < 1.0
        began = time.monotonic()
        await verifier.forget([hash_key(keys.key)])
        keys.revoke()
        assert await refused(verifier, keys.key) == "unauthorized"
        assert time.monotonic() - began < 1.0


async def until_refused(verifier: KeyVerifier, key: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while await refused(verifier, key) is None:
        assert time.monotonic() < deadline, "still let through"
        await asyncio.sleep(0.01)
