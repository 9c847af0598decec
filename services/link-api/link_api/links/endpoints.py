"""`/links`, and the look-up of links for our own services."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.responses import MsgspecResponse
from link_api.links.schemas import ChangeLink, CreateLink, LinkFilters
from link_api.links.service import LinkService
from link_api.text import parsed_query

router = APIRouter(prefix="/links")
internal_router = APIRouter(prefix="/internal/links")


def service_of(request: Request) -> LinkService:
    service: LinkService = request.app.state.links
    return service


Links = Annotated[LinkService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("links.read"))]
Writer = Annotated[KeyIdentity, Depends(require("links.write"))]


@router.post("")
async def create_link(identity: Writer, links: Links, body: CreateLink) -> Response:
    return MsgspecResponse(await links.create(identity, body))


@router.get("")
async def list_links(identity: Reader, links: Links, request: Request) -> Response:
    return MsgspecResponse(await links.page(identity, parsed_query(LinkFilters, request)))


@router.get("/info")
async def link_info(identity: Reader, links: Links, request: Request) -> Response:
    query = request.query_params
    external_id = query.get("externalId") or query.get("external_id")
    if link_id := query.get("linkId") or query.get("link_id"):
        return MsgspecResponse(await links.get(identity, link_id))
    if external_id:
        return MsgspecResponse(await links.get(identity, f"ext_{external_id.removeprefix('ext_')}"))
    domain, key = query.get("domain"), query.get("key")
    if domain and key:
        return MsgspecResponse(await links.at(identity, domain, key))
    raise errors.bad_request("Name a link by linkId, by externalId, or by domain and key.")


@router.get("/{link_id}")
async def get_link(identity: Reader, links: Links, link_id: str) -> Response:
    return MsgspecResponse(await links.get(identity, link_id))


@router.api_route("/{link_id}", methods=["PATCH", "PUT"])
async def change_link(identity: Writer, links: Links, link_id: str, body: ChangeLink) -> Response:
    return MsgspecResponse(await links.change(identity, link_id, body))


@router.delete("/{link_id}")
async def delete_link(identity: Writer, links: Links, link_id: str) -> Response:
    deleted = await links.delete(identity, link_id)
    return MsgspecResponse({"id": deleted.id})


class Lookup(BaseModel):
    """Ids of links of any project."""

    ids: list[str]


@internal_router.post("/lookup")
async def look_up_links(links: Links, body: Lookup) -> Response:
    return MsgspecResponse({"links": await links.lookup(body.ids)})
