"""`/internal/keys/verify`: who a key is, for the verifiers of our other services."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from codeqr_common import errors
from codeqr_common.http.responses import MsgspecResponse
from link_api.keys.service import KeyService

internal_router = APIRouter(prefix="/internal/keys")


class KeyHash(BaseModel):
    """Lower-case hex SHA-256 of a key."""

    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@internal_router.post("/verify")
async def verify_key(request: Request, body: KeyHash) -> Response:
    keys: KeyService = request.app.state.keys
    identity = await keys.load(body.hash)
    if identity is None:
        raise errors.not_found("There is no such key.")
    return MsgspecResponse(identity)
