"""`GET /analytics`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from analytics.clickhouse.client import ClickHouseUnavailable
from analytics.queries.figures import Figures
from analytics.queries.parameters import InvalidParameter, by_name, question
from analytics.queries.reference import question_parameters
from analytics.queries.schemas import CountRow, TimeseriesRow
from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.openapi import answers
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.logs import get_logger

log = get_logger(__name__)


def router(figures: Figures) -> APIRouter:
    """The public routes of the figures."""
    routes = APIRouter()

    @routes.get(
        "/analytics",
        name="get_analytics",
        responses=answers(CountRow | list[TimeseriesRow]),
        openapi_extra=question_parameters(),
    )
    async def analytics(
        request: Request, identity: Annotated[KeyIdentity, Depends(require("analytics.read"))]
    ) -> MsgspecResponse:
        try:
            asked = question(by_name(request.query_params.multi_items()))
            return MsgspecResponse(await figures.answer(identity.project_id, asked))
        except InvalidParameter as error:
            raise errors.unprocessable_entity(str(error)) from error
        except ClickHouseUnavailable as error:
            log.warning("figures not available", error=str(error))
            raise errors.service_unavailable("Analytics cannot be read at the moment.") from error

    return routes
