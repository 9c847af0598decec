"""`/domains`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import Deleted, answers, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from link_api.domains.schemas import ChangeDomain, CreateDomain, Domain, ListDomains
from link_api.domains.service import DomainService
from link_api.text import parsed_query

router = APIRouter(prefix="/domains", route_class=DirectRoute)


def service_of(request: Request) -> DomainService:
    service: DomainService = request.app.state.domains
    return service


Domains = Annotated[DomainService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("domains.read"))]
Writer = Annotated[WriteCall, Depends(writing("domains.write"))]


@router.post("", responses=answers(Domain, "conflict"))
async def create_domain(call: Writer, domains: Domains, body: CreateDomain) -> Response:
    return MsgspecResponse(await domains.create(call, body))


@router.get("", responses=answers(list[Domain]), openapi_extra=query_parameters(ListDomains))
async def list_domains(identity: Reader, domains: Domains, request: Request) -> Response:
    return MsgspecResponse(await domains.page(identity, parsed_query(ListDomains, request)))


@router.get("/{slug}", responses=answers(Domain))
async def get_domain(identity: Reader, domains: Domains, slug: str) -> Response:
    return MsgspecResponse(await domains.get(identity, slug))


@router.api_route("/{slug}", methods=["PATCH", "PUT"], responses=answers(Domain, "conflict"))
async def update_domain(call: Writer, domains: Domains, slug: str, body: ChangeDomain) -> Response:
    return MsgspecResponse(await domains.change(call, slug, body))


@router.delete("/{slug}", responses=answers(Deleted, "conflict"))
async def delete_domain(call: Writer, domains: Domains, slug: str) -> Response:
    return MsgspecResponse(Deleted(await domains.delete(call, slug)))


@router.post("/{slug}/verify", responses=answers(Domain, "conflict"))
async def verify_domain(call: Writer, domains: Domains, slug: str) -> Response:
    return MsgspecResponse(await domains.verify(call, slug))
