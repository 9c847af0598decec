"""`/tags`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.events.links import Tag
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import Deleted, answers, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from link_api.tags.schemas import ChangeTag, CreateTag, ListTags
from link_api.tags.service import TagService
from link_api.text import parsed_query

router = APIRouter(prefix="/tags", route_class=DirectRoute)


def service_of(request: Request) -> TagService:
    service: TagService = request.app.state.tags
    return service


Tags = Annotated[TagService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("tags.read"))]
Writer = Annotated[WriteCall, Depends(writing("tags.write"))]


@router.get("", responses=answers(list[Tag]), openapi_extra=query_parameters(ListTags))
async def list_tags(identity: Reader, tags: Tags, request: Request) -> Response:
    return MsgspecResponse(await tags.page(identity, parsed_query(ListTags, request)))


@router.post("", responses=answers(Tag, "conflict"))
async def create_tag(call: Writer, tags: Tags, body: CreateTag) -> Response:
    return MsgspecResponse(await tags.create(call, body))


@router.api_route("/{tag_id}", methods=["PATCH", "PUT"], responses=answers(Tag, "conflict"))
async def update_tag(call: Writer, tags: Tags, tag_id: str, body: ChangeTag) -> Response:
    return MsgspecResponse(await tags.change(call, tag_id, body))


@router.delete("/{tag_id}", responses=answers(Deleted))
async def delete_tag(call: Writer, tags: Tags, tag_id: str) -> Response:
    return MsgspecResponse(Deleted(await tags.delete(call, tag_id)))
