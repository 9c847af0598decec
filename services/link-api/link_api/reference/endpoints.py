"""`/openapi.json`, `/docs` and what belongs to them. No key is needed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from codeqr_common import errors
from codeqr_common.http.openapi import answers, answers_media
from link_api.reference.pages import Page, Reference

router = APIRouter()
READ = ["GET", "HEAD"]


def reference_of(request: Request) -> Reference:
    reference: Reference = request.app.state.reference
    return reference


@router.api_route("/openapi.json", methods=READ, responses=answers(dict[str, Any]))
async def openapi_document(request: Request) -> Response:
    return _answer(request, reference_of(request).openapi)


@router.api_route("/docs", methods=READ, responses=answers_media("text/html"))
async def interactive_reference(request: Request) -> Response:
    return _answer(request, reference_of(request).interactive)


@router.api_route("/docs/errors", methods=READ, responses=answers_media("text/html"))
async def explained_errors(request: Request) -> Response:
    return _answer(request, reference_of(request).errors)


@router.api_route("/docs/assets/{name}", methods=READ, include_in_schema=False)
async def asset(request: Request, name: str) -> Response:
    page = reference_of(request).assets.get(name)
    if page is None:
        raise errors.not_found(f"There is nothing at {request.url.path}.")
    return _answer(request, page)


def _answer(request: Request, page: Page) -> Response:
    """The page, or 304 when the caller has it. The server leaves the body out of an answer to HEAD."""
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if page.etag in known or "*" in known:
        kept = {name: value for name, value in page.headers.items() if name in ("etag", "cache-control")}
        return Response(status_code=304, headers=kept)
    return Response(page.body, headers=dict(page.headers))
