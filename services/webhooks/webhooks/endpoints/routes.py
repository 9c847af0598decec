"""`/webhooks` (contract 6.1)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.responses import MsgspecResponse
from webhooks.endpoints.schemas import EndpointInput, view_of
from webhooks.endpoints.service import EndpointService

router = APIRouter(prefix="/webhooks")

PAGES = 100_000


def _service(request: Request) -> EndpointService:
    service: EndpointService = request.app.state.endpoints
    return service


Service = Annotated[EndpointService, Depends(_service)]
Reader = Annotated[KeyIdentity, Depends(require("webhooks.read"))]
Writer = Annotated[KeyIdentity, Depends(require("webhooks.write"))]
# Whole numbers may arrive as `600.0`, which an int of pydantic takes too.
Page = Annotated[int, Query(ge=1, le=PAGES)]
PageSize = Annotated[int, Query(alias="pageSize", ge=1, le=100)]


@router.post("", response_model=None)
async def create_endpoint(identity: Writer, wanted: EndpointInput, service: Service) -> MsgspecResponse:
    endpoint = await service.create(identity.project_id, wanted)
    return MsgspecResponse(view_of(endpoint, with_secret=True))


@router.get("", response_model=None)
async def list_endpoints(
    identity: Reader, service: Service, page: Page = 1, page_size: PageSize = 50
) -> MsgspecResponse:
    endpoints = await service.list(identity.project_id, page=page, page_size=page_size)
    return MsgspecResponse([view_of(endpoint) for endpoint in endpoints])


@router.get("/{endpoint_id}", response_model=None)
async def get_endpoint(identity: Reader, endpoint_id: str, service: Service) -> MsgspecResponse:
    return MsgspecResponse(view_of(await service.get(identity.project_id, endpoint_id)))


@router.delete("/{endpoint_id}", response_model=None)
async def delete_endpoint(identity: Writer, endpoint_id: str, service: Service) -> MsgspecResponse:
    await service.delete(identity.project_id, endpoint_id)
    return MsgspecResponse({"id": endpoint_id})
