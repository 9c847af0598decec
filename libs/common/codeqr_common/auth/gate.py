"""The gate of every public route: who calls, how often, in whose name, and whether the key may."""

from typing import cast

import structlog
from redis.asyncio import Redis
from starlette.requests import Request

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.limits import RateLimiter, Taken
from codeqr_common.auth.usage import KeyUsage
from codeqr_common.auth.verifier import KeyVerifier, remote_loader
from codeqr_common.errors import ApiError
from codeqr_common.http.internal import InternalClient
from codeqr_common.http.middleware import answer_headers
from codeqr_common.redis import ScriptBatch


class Gate:
    """Admits requests. One per process; applications keep it in `app.state.gate`."""

    def __init__(self, verifier: KeyVerifier, limiter: RateLimiter, usage: KeyUsage) -> None:
        self.verifier = verifier
        self._limiter = limiter
        self._usage = usage

    async def admit(self, request: Request, scope: str | None) -> KeyIdentity:
        """The caller's identity. `scope`: what the key must be allowed to do; None for any secret key.

        Raises `ApiError`: 401 (no valid key), 429 (over the limit), 403 (foreign slug, publishable key, missing scope).
        """
        identity = await self._counted(request)
        _check_project(request, identity)
        if identity.publishable:
            raise errors.forbidden("A publishable key may call the client tracking endpoints only.")
        if scope is not None and scope not in identity.scopes:
            raise errors.forbidden(f"This API key lacks the scope {scope}.")
        return identity

    async def _counted(self, request: Request) -> KeyIdentity:
        """Whose key it is, noted and counted once for each request."""
        state = request.scope["state"]
        if (known := state.get("identity")) is not None:
            return cast(KeyIdentity, known)
        identity = await self.verifier.verify(_bearer(request))
        structlog.contextvars.bind_contextvars(project_id=identity.project_id, key_id=identity.key_id)
        self._usage.note(identity.key_id)
        if identity.rate_limit:
            taken = await self._limiter.take(identity.key_id, identity.rate_limit)
            answer_headers(request).extend(limit_headers(taken))
            if not taken.allowed:
                raise over_limit(taken)
        state["identity"] = identity
        return identity


def remote_gate(redis: Redis, link_api: InternalClient, usage: KeyUsage) -> Gate:
    """The gate of a service that asks link-api who a key is."""
    return Gate(KeyVerifier(redis, remote_loader(link_api)), RateLimiter(ScriptBatch(redis)), usage)


def limit_headers(taken: Taken) -> list[tuple[bytes, bytes]]:
    """The `X-RateLimit` headers of contract 1.3."""
    return [
        (b"x-ratelimit-limit", b"%d" % taken.limit),
        (b"x-ratelimit-remaining", b"%d" % taken.remaining),
        (b"x-ratelimit-reset", b"%d" % taken.reset),
    ]


def over_limit(taken: Taken) -> ApiError:
    """429, with the seconds to wait."""
    message = f"More than {taken.limit} requests in a minute. Try again in {taken.retry_after} s."
    return ApiError("rate_limit_exceeded", message, headers={"Retry-After": str(taken.retry_after)})


def _bearer(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise errors.unauthorized("Send your API key as `Authorization: Bearer codeqr_…`.")
    return key.strip()


def _check_project(request: Request, identity: KeyIdentity) -> None:
    if not request.scope["query_string"]:
        return
    for name in ("projectSlug", "project_slug"):
        if any(slug != identity.project_slug for slug in request.query_params.getlist(name)):
            raise errors.forbidden("This API key is not tied to the project that projectSlug names.")
