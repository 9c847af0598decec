"""`/tokens`, `/oauth/userinfo`, and who a key is, for our other services."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import Deleted, answers, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from link_api.keys.schemas import ChangeToken, CreateToken, NewToken, RotateToken, Token, UserInfo
from link_api.keys.service import SCOPE, KeyService
from link_api.paging import Paging
from link_api.text import parsed_query

router = APIRouter(prefix="/tokens", route_class=DirectRoute)
user_router = APIRouter(prefix="/oauth", route_class=DirectRoute)
internal_router = APIRouter(prefix="/internal/keys", route_class=DirectRoute)


def service_of(request: Request) -> KeyService:
    service: KeyService = request.app.state.keys
    return service


Keys = Annotated[KeyService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("tokens.read"))]
Writer = Annotated[WriteCall, Depends(writing(SCOPE))]
AnyKey = Annotated[KeyIdentity, Depends(require(None))]


@router.get("", responses=answers(list[Token]), openapi_extra=query_parameters(Paging))
async def list_tokens(identity: Reader, keys: Keys, request: Request) -> Response:
    return MsgspecResponse(await keys.page(identity, parsed_query(Paging, request)))


@router.post("", responses=answers(NewToken))
async def create_token(call: Writer, keys: Keys, body: CreateToken) -> Response:
    return MsgspecResponse(await keys.create(call, body))


@router.api_route("/{token_id}", methods=["PATCH", "PUT"], responses=answers(Token))
async def update_token(call: Writer, keys: Keys, token_id: str, body: ChangeToken) -> Response:
    return MsgspecResponse(await keys.change(call, token_id, body))


@router.post("/{token_id}/rotate", responses=answers(NewToken))
async def rotate_token(call: Writer, keys: Keys, token_id: str, body: RotateToken | None = None) -> Response:
    return MsgspecResponse(await keys.rotate(call, token_id, body or RotateToken()))


@router.delete("/{token_id}", responses=answers(Deleted))
async def delete_token(call: Writer, keys: Keys, token_id: str) -> Response:
    await keys.revoke(call, token_id)
    return MsgspecResponse(Deleted(token_id))


@user_router.get("/userinfo", name="get_user_info", responses=answers(UserInfo))
async def user_info(identity: AnyKey, keys: Keys) -> Response:
    return MsgspecResponse(await keys.user_info(identity))


class KeyHash(BaseModel):
    """Lower-case hex SHA-256 of a key."""

    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class UsageReport(BaseModel):
    """Requests by key id since the last report."""

    requests: dict[Annotated[str, StringConstraints(max_length=64)], Annotated[int, Field(gt=0, le=1 << 32)]]


@internal_router.post("/verify")
async def verify_key(keys: Keys, body: KeyHash) -> Response:
    identity = await keys.load(body.hash)
    if identity is None:
        raise errors.not_found("There is no such key.")
    return MsgspecResponse(identity)


@internal_router.post("/usage")
async def note_usage(keys: Keys, body: UsageReport) -> Response:
    await keys.note_usage(body.requests)
    return MsgspecResponse({})
