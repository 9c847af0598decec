"""The one verifier of API keys: hash → Redis (at most 5 s old) → link-api. All services accept and refuse alike."""

from collections.abc import Awaitable, Callable

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from codeqr_common import errors
from codeqr_common.auth.keys import SECRET_PREFIX, KeyIdentity, hash_key
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger
from codeqr_common.times import now_ms

log = get_logger(__name__)
CACHE_S = 5
"""A revoked key stops working within this time everywhere (contract 1.1)."""

Load = Callable[[str], Awaitable[KeyIdentity | None]]
"""Hash of a key → its identity, None for an unknown or revoked one. Raises `ApiError` 503 if it cannot tell."""


class KeyVerifier:
    """Tells who a key is, or raises `ApiError`: 401 for a key that is not valid, 503 when that cannot be known."""

    def __init__(self, redis: Redis, load: Load) -> None:
        self._redis = redis
        self._load = load

    async def verify(self, key: str) -> KeyIdentity:
        """`key` as the caller sent it."""
        identity = await self._identity(hash_key(key)) if key.startswith(SECRET_PREFIX) else None
        if identity is None:
            raise errors.unauthorized("This API key is unknown or has been revoked.")
        if identity.expires_at_ms is not None and identity.expires_at_ms <= now_ms():
            raise errors.unauthorized("This API key has expired.")
        return identity

    async def _identity(self, key_hash: str) -> KeyIdentity | None:
        name = f"key:{key_hash}"
        try:
            if cached := await self._redis.get(name):
                return msgspec.json.decode(cached, type=KeyIdentity)
        except (RedisError, OSError, msgspec.DecodeError) as error:
            log.warning("key cache not readable", error=str(error))
        identity = await self._load(key_hash)
        if identity is not None:
            try:
                await self._redis.set(name, msgspec.json.encode(identity), ex=CACHE_S)
            except (RedisError, OSError) as error:
                log.warning("key cache not writable", error=str(error))
        return identity


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
