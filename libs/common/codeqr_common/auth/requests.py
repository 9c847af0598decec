"""The dependency that guards a route: `identity: KeyIdentity = Depends(require("links.read"))`."""

from collections.abc import Awaitable, Callable

import structlog
from fastapi import Request

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.verifier import KeyVerifier


def require(scope: str) -> Callable[[Request], Awaitable[KeyIdentity]]:
    """A dependency that gives the caller's identity, or answers 401 (no valid key) or 403 (scope, foreign slug).

    The application keeps its `KeyVerifier` in `app.state.verifier`.
    """

    async def identity_of(request: Request) -> KeyIdentity:
        verifier: KeyVerifier = request.app.state.verifier
        identity = await verifier.verify(_bearer(request))
        _check_project(request, identity)
        if identity.publishable or scope not in identity.scopes:
            raise errors.forbidden(f"This API key lacks the scope {scope}.")
        structlog.contextvars.bind_contextvars(project_id=identity.project_id, key_id=identity.key_id)
        return identity

    return identity_of


def _bearer(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise errors.unauthorized("Send your API key as `Authorization: Bearer codeqr_…`.")
    return key.strip()


def _check_project(request: Request, identity: KeyIdentity) -> None:
    for name in ("projectSlug", "project_slug"):
        slug = request.query_params.get(name)
        if slug is not None and slug != identity.project_slug:
            raise errors.forbidden("This API key is not tied to the project that projectSlug names.")
