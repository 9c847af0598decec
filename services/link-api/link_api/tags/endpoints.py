"""`/tags`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.responses import MsgspecResponse
from link_api.database import Database
from link_api.tags import repository
from link_api.text import Text, parsed_query, snake_and_camel

router = APIRouter(prefix="/tags")


class TagFilters(BaseModel):
    """The query of `GET /tags`."""

    model_config = snake_and_camel()

    search: Text | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 50


@router.get("")
async def list_tags(identity: Annotated[KeyIdentity, Depends(require("tags.read"))], request: Request) -> Response:
    filters = parsed_query(TagFilters, request)
    database: Database = request.app.state.database
    offset = (filters.page - 1) * filters.page_size
    async with database.reading() as connection:
        found = await repository.page(connection, identity.project_id, filters.search, filters.page_size, offset)
    return MsgspecResponse(found)
