"""The one verifier of API keys: hash → this process → Redis → link-api. All services accept and refuse alike."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from codeqr_common import errors
from codeqr_common.auth.keys import SECRET_PREFIX, KeyIdentity, hash_key
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger
from codeqr_common.redis import Breaker
from codeqr_common.times import now_ms

log = get_logger(__name__)
SHARED_CACHE_S = 2
LOCAL_CACHE_S = 2.0
"""A revoked key stops working within 5 s everywhere (contract 1.1): both ages add up, and a load takes a moment too."""
LOCAL_KEYS = 10_000

Load = Callable[[str], Awaitable[KeyIdentity | None]]
"""Hash of a key → its identity, None for an unknown or revoked one. Raises `ApiError` 503 if it cannot tell."""


class SharedIdentity(msgspec.Struct, frozen=True):
    """An identity in Redis, with the time before it was loaded (ms since the epoch).

    A stalled Redis carries out a write when it goes on, however late that is: the entry's own time limit begins then.
    """

    asked_ms: int
    identity: KeyIdentity


class KeyVerifier:
    """Tells who a key is, or raises `ApiError`: 401 for a key that is not valid, 503 when that cannot be known."""

    def __init__(self, redis: Redis, load: Load) -> None:
        self._redis = redis
        self._load = load
        self._breaker = Breaker()
        self._known: dict[str, tuple[KeyIdentity, float]] = {}
        self._asking: dict[str, asyncio.Task[KeyIdentity | None]] = {}

    async def verify(self, key: str) -> KeyIdentity:
        """`key` as the caller sent it."""
        identity = await self._identity(hash_key(key)) if key.startswith(SECRET_PREFIX) else None
        if identity is None:
            raise errors.unauthorized("This API key is unknown or has been revoked.")
        if identity.expires_at_ms is not None and identity.expires_at_ms <= now_ms():
            raise errors.unauthorized("This API key has expired.")
        return identity

    async def forget(self, key_hashes: Sequence[str]) -> None:
        """Drop what is cached of these keys here and in Redis: they have just been changed or revoked."""
        for key_hash in key_hashes:
            self._known.pop(key_hash, None)
            self._asking.pop(key_hash, None)
        if not key_hashes:
            return
        try:
            await self._redis.delete(*(_name(key_hash) for key_hash in key_hashes))
        except (RedisError, OSError) as error:
            log.warning("key cache not writable", error=str(error))

    async def _identity(self, key_hash: str) -> KeyIdentity | None:
        known = self._known.get(key_hash)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        asking = self._asking.get(key_hash)
        if asking is None:
            asking = asyncio.create_task(self._ask(key_hash))
            self._asking[key_hash] = asking
        return await asyncio.shield(asking)  # others may wait for it too

    async def _ask(self, key_hash: str) -> KeyIdentity | None:
        """Ask once for all that wait. What was forgotten meanwhile is answered, but not kept."""
        this = asyncio.current_task()
        asked = time.monotonic()
        try:
            identity = await self._shared(key_hash)
            if self._asking.get(key_hash) is this:
                self._keep(key_hash, identity, asked + LOCAL_CACHE_S)
        finally:
            if self._asking.get(key_hash) is this:
                del self._asking[key_hash]
        return identity

    def _keep(self, key_hash: str, identity: KeyIdentity | None, until: float) -> None:
        if identity is None:
            self._known.pop(key_hash, None)
            return
        if len(self._known) >= LOCAL_KEYS:
            self._known.clear()
        self._known[key_hash] = (identity, until)

    async def _shared(self, key_hash: str) -> KeyIdentity | None:
        if cached := await self._read(key_hash):
            return cached
        asked_ms = now_ms()
        identity = await self._load(key_hash)
        if identity is not None:
            await self._write(key_hash, SharedIdentity(asked_ms, identity))
        return identity

    async def _read(self, key_hash: str) -> KeyIdentity | None:
        if not self._breaker.may_try():
            return None
        try:
            cached = await self._redis.get(_name(key_hash))
            self._breaker.succeeded()
            entry = msgspec.json.decode(cached, type=SharedIdentity) if cached else None
        except (RedisError, OSError) as error:
            self._breaker.failed()
            log.warning("key cache not readable", error=str(error))
            return None
        except msgspec.DecodeError:  # another version's
            return None
        return entry.identity if entry is not None and now_ms() - entry.asked_ms < SHARED_CACHE_S * 1000 else None

    async def _write(self, key_hash: str, entry: SharedIdentity) -> None:
        if not self._breaker.may_try():
            return
        try:
            await self._redis.set(_name(key_hash), msgspec.json.encode(entry), ex=SHARED_CACHE_S)
            self._breaker.succeeded()
        except (RedisError, OSError) as error:
            self._breaker.failed()
            log.warning("key cache not writable", error=str(error))


def _name(key_hash: str) -> str:
    return f"key:{key_hash}"


def remote_loader(link_api: InternalClient) -> Load:
    """Asks link-api's internal listener."""

    async def load(key_hash: str) -> KeyIdentity | None:
        try:
            answer = await link_api.post_bytes("/internal/keys/verify", {"hash": key_hash})
        except NotFound:
            return None
        except ServiceUnavailable as error:
            log.warning("key not verifiable", error=str(error))
            raise errors.service_unavailable("API keys cannot be checked at the moment.") from error
        return msgspec.json.decode(answer, type=KeyIdentity)

    return load
