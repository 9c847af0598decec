"""`/internal/salts`."""

from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import Response

from codeqr_common.http.responses import MsgspecResponse
from link_api.salts.service import SaltService

internal_router = APIRouter(prefix="/internal")


@internal_router.get("/salts")
async def salt_of_day(request: Request, day: date) -> Response:
    salts: SaltService = request.app.state.salts
    return MsgspecResponse({"day": day.isoformat(), "salt": (await salts.get(day)).hex()})
