"""`GET /internal/clicks`: what is stored, for our own tools and ledgers. Never on a public listener."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from analytics.clickhouse.client import ClickHouseUnavailable
from analytics.clicks.schemas import ClickLine
from analytics.clicks.stream import ClickStream
from codeqr_common import errors

_encoder = msgspec.json.Encoder()


def router(stream: ClickStream) -> APIRouter:
    """The internal routes of the clicks."""
    routes = APIRouter(prefix="/internal")

    @routes.get("/clicks")
    async def clicks(project_id: Annotated[str | None, Query(alias="projectId")] = None) -> StreamingResponse:
        """A JSON line for every stored click, of one project or of all."""
        pages = stream.pages(project_id)
        try:
            first = await anext(pages)  # before the answer begins, so that a failure is a 503
        except ClickHouseUnavailable as error:
            raise errors.service_unavailable("ClickHouse cannot be read at the moment.") from error
        return StreamingResponse(_bodies(first, pages), media_type="application/x-ndjson")

    return routes


async def _bodies(first: list[ClickLine], pages: AsyncIterator[list[ClickLine]]) -> AsyncIterator[bytes]:
    """The pages as text. A page that fails later cuts the connection: the reader sees that the list is not whole."""
    yield _encoder.encode_lines(first)
    async for page in pages:
        yield _encoder.encode_lines(page)
