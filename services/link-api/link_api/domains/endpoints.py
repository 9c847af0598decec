"""`/domains`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.responses import MsgspecResponse
from link_api.domains.schemas import CreateDomain
from link_api.domains.service import DomainService
from link_api.text import parsed_query, snake_and_camel

router = APIRouter(prefix="/domains")


def service_of(request: Request) -> DomainService:
    service: DomainService = request.app.state.domains
    return service


Domains = Annotated[DomainService, Depends(service_of)]


class Page(BaseModel):
    """Which page of a list."""

    model_config = snake_and_camel()

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 50


@router.post("")
async def create_domain(
    identity: Annotated[KeyIdentity, Depends(require("domains.write"))], domains: Domains, body: CreateDomain
) -> Response:
    return MsgspecResponse(await domains.create(identity, body))


@router.get("")
async def list_domains(
    identity: Annotated[KeyIdentity, Depends(require("domains.read"))], domains: Domains, request: Request
) -> Response:
    asked = parsed_query(Page, request)
    return MsgspecResponse(await domains.page(identity, asked.page, asked.page_size))
