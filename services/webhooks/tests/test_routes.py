"""What `GET /webhooks` makes of its query."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Query
from httpx import ASGITransport, AsyncClient, Response

from codeqr_common.http.app import create_app
from webhooks.endpoints.routes import Paging

router = APIRouter()


@router.get("/paging")
async def paging_of(paging: Annotated[Paging, Query()]) -> dict[str, int]:
    return paging.model_dump()


async def ask(query: str) -> Response:
    app = create_app("test", routers=[router])
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        return await client.get(f"/paging?{query}")


@pytest.mark.parametrize(
    ("query", "page", "page_size"),
    [
        ("", 1, 50),
        ("pageSize=7", 1, 7),
        ("page_size=7&page=2", 2, 7),
        ("pageSize=7.0&page=2.0&other=1", 2, 7),
        ("pageSize=7&page_size=8", 1, 7),
    ],
)
async def test_paging(query: str, page: int, page_size: int) -> None:
    assert (await ask(query)).json() == {"page": page, "page_size": page_size}


@pytest.mark.parametrize("query", ["page=0", "pageSize=101", "page_size=0", "page_size=many"])
async def test_pages_that_there_cannot_be_are_refused(query: str) -> None:
    answer = await ask(query)
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.text
