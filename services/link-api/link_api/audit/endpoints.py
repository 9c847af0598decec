"""`/audit`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.openapi import answers, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from link_api.audit import repository
from link_api.audit.schemas import AuditEntry, AuditFilters
from link_api.database import Database
from link_api.text import parsed_query

router = APIRouter(prefix="/audit", route_class=DirectRoute)
Reader = Annotated[KeyIdentity, Depends(require("projects.read"))]


@router.get("", responses=answers(list[AuditEntry]), openapi_extra=query_parameters(AuditFilters))
async def list_audit(identity: Reader, request: Request) -> Response:
    filters = parsed_query(AuditFilters, request)
    database: Database = request.app.state.database
    async with database.reading() as connection:
        return MsgspecResponse(await repository.page(connection, identity.project_id, filters))
