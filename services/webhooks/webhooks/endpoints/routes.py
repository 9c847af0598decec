"""`/webhooks` (contract 6.1)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AliasChoices, BaseModel, Field

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import Deleted, answers
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from webhooks.endpoints.schemas import CreateWebhook, Webhook, view_of
from webhooks.endpoints.service import EndpointService

router = APIRouter(prefix="/webhooks", route_class=DirectRoute)
internal_router = APIRouter(prefix="/internal/webhooks")

PAGES = 100_000


def _service(request: Request) -> EndpointService:
    service: EndpointService = request.app.state.endpoints
    return service


Service = Annotated[EndpointService, Depends(_service)]
Reader = Annotated[KeyIdentity, Depends(require("webhooks.read"))]
Writer = Annotated[WriteCall, Depends(writing("webhooks.write"))]


class Paging(BaseModel):
    """Which page. Whole numbers may arrive as `600.0`, which an int of pydantic takes too."""

    page: int = Field(1, ge=1, le=PAGES)
    page_size: int = Field(50, ge=1, le=100, validation_alias=AliasChoices("pageSize", "page_size"))


@router.post("", name="create_webhook", responses=answers(Webhook))
async def create_endpoint(call: Writer, wanted: CreateWebhook, service: Service) -> MsgspecResponse:
    endpoint = await service.create(call, wanted)
    return MsgspecResponse(view_of(endpoint, with_secret=True))


@router.get("", name="list_webhooks", responses=answers(list[Webhook]))
async def list_endpoints(identity: Reader, service: Service, paging: Annotated[Paging, Query()]) -> MsgspecResponse:
    endpoints = await service.list(identity.project_id, page=paging.page, page_size=paging.page_size)
    return MsgspecResponse([view_of(endpoint) for endpoint in endpoints])


@router.get("/{endpoint_id}", name="get_webhook", responses=answers(Webhook))
async def get_endpoint(identity: Reader, endpoint_id: str, service: Service) -> MsgspecResponse:
    return MsgspecResponse(view_of(await service.get(identity.project_id, endpoint_id)))


@router.delete("/{endpoint_id}", name="delete_webhook", responses=answers(Deleted))
async def delete_endpoint(call: Writer, endpoint_id: str, service: Service) -> MsgspecResponse:
    await service.delete(call.project_id, endpoint_id)
    return MsgspecResponse({"id": endpoint_id})


class Asked(BaseModel):
    """Ids that a link wants to name."""

    project_id: Annotated[str, Field(alias="projectId")]
    ids: list[str]


@internal_router.post("/known")
async def known_endpoints(asked: Asked, service: Service) -> MsgspecResponse:
    """Which of these ids are endpoints of this project."""
    return MsgspecResponse({"ids": sorted(await service.known(asked.project_id, asked.ids))})
