"""`/links`, and the look-up of links for our own services."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.convertors import StringConvertor, register_url_convertor

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.errors import ApiError
from codeqr_common.events.links import Link
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import Deleted, answers, json_body, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute, any_json, json_bytes, validated
from link_api.links.schemas import (
    MANY_LINKS,
    MOST_IN_BULK,
    BulkChange,
    ChangeLink,
    CountLinks,
    CreateLink,
    DeletedCount,
    DeleteLinks,
    LinkGroup,
    LinkReference,
    ListLinks,
    NotCreated,
    UpsertLink,
)
from link_api.links.service import LinkService
from link_api.text import parsed_query


class LinkReferenceConvertor(StringConvertor):
    """A link's id, or `ext_` and an external id, which may hold slashes."""

    regex = r"ext_(?s:.+)|[^/]+"


register_url_convertor("link_reference", LinkReferenceConvertor())
router = APIRouter(prefix="/links", route_class=DirectRoute)
internal_router = APIRouter(prefix="/internal/links", route_class=DirectRoute)


def service_of(request: Request) -> LinkService:
    service: LinkService = request.app.state.links
    return service


Links = Annotated[LinkService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("links.read"))]
Writer = Annotated[WriteCall, Depends(writing("links.write"))]


@router.post("", responses=answers(Link, "conflict"))
async def create_link(call: Writer, links: Links, body: CreateLink) -> Response:
    return MsgspecResponse(await links.create(call, body))


@router.get("/info", responses=answers(Link, "bad_request", "not_found"), openapi_extra=query_parameters(LinkReference))
async def get_link_info(identity: Reader, links: Links, request: Request) -> Response:
    return MsgspecResponse(await links.info(identity, parsed_query(LinkReference, request)))


@router.get("", responses=answers(list[Link]), openapi_extra=query_parameters(ListLinks))
async def list_links(identity: Reader, links: Links, request: Request) -> Response:
    return MsgspecResponse(await links.page(identity, parsed_query(ListLinks, request)))


@router.get("/count", responses=answers(int | list[LinkGroup]), openapi_extra=query_parameters(CountLinks))
async def count_links(identity: Reader, links: Links, request: Request) -> Response:
    return MsgspecResponse(await links.count(identity, parsed_query(CountLinks, request)))


@router.post("/bulk", responses=answers(list[Link | NotCreated], "conflict"), openapi_extra=json_body(MANY_LINKS))
async def create_links(call: Writer, links: Links, request: Request) -> Response:
    given = any_json(await json_bytes(request))
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_IN_BULK:
        raise errors.unprocessable_entity(f"body: must be an array of 1 to {MOST_IN_BULK} links")
    return MsgspecResponse(await links.create_all(call, [_in_bulk(one) for one in given], given))


@router.patch("/bulk", responses=answers(list[Link]))
async def change_links(call: Writer, links: Links, body: BulkChange) -> Response:
    return MsgspecResponse(await links.change_all(call, body))


@router.delete("/bulk", responses=answers(DeletedCount, "bad_request"), openapi_extra=query_parameters(DeleteLinks))
async def delete_links(call: Writer, links: Links, request: Request) -> Response:
    asked = parsed_query(DeleteLinks, request)
    if not asked.link_ids:
        raise errors.bad_request("Name the links to delete: linkIds=….")
    return MsgspecResponse(DeletedCount(await links.delete_all(call, asked.link_ids)))


@router.api_route("/update", methods=["POST", "PUT", "PATCH"], responses=answers(Link, "conflict"))
@router.api_route("/upsert", methods=["POST", "PUT", "PATCH"], responses=answers(Link, "conflict"))
async def upsert_link(call: Writer, links: Links, body: UpsertLink) -> Response:
    return MsgspecResponse(await links.upsert(call, body))


@router.get("/{link_id:link_reference}", responses=answers(Link))
async def get_link(identity: Reader, links: Links, link_id: str) -> Response:
    return MsgspecResponse(await links.get(identity, link_id))


@router.api_route("/{link_id:link_reference}", methods=["PATCH", "PUT"], responses=answers(Link, "conflict"))
async def update_link(call: Writer, links: Links, link_id: str, body: ChangeLink) -> Response:
    return MsgspecResponse(await links.change(call, link_id, body))


@router.delete("/{link_id:link_reference}", responses=answers(Deleted))
async def delete_link(call: Writer, links: Links, link_id: str) -> Response:
    return MsgspecResponse(Deleted(await links.delete(call, link_id)))


class Lookup(BaseModel):
    """Ids of links of any project."""

    ids: list[str]


@internal_router.post("/lookup")
async def look_up_links(links: Links, body: Lookup) -> Response:
    return MsgspecResponse({"links": await links.lookup(body.ids)})


def _in_bulk(given: Any) -> CreateLink | ApiError:
    """One of many; no custom preview is applied in bulk (contract 2.5)."""
    try:
        return validated(CreateLink, given).model_copy(update={"proxy": False})
    except ApiError as error:
        return error
