"""`GET /qr`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from codeqr_common.http.openapi import answers_media, query_parameters
from link_api.qr.drawing import Drawing
from link_api.qr.formats import MEDIA_TYPES
from link_api.qr.open_route import ON_PREFLIGHT, OpenRoute
from link_api.qr.parameters import PictureQuery, drawing_of
from link_api.qr.service import Pictures, etag

router = APIRouter(route_class=OpenRoute)
CACHE_CONTROL = "public, max-age=86400"
NOT_MODIFIED = {"description": "The picture has the entity tag that `If-None-Match` names."}
CODES = ("bad_request", "rate_limit_exceeded")


def pictures_of(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.pictures
    return pictures


@router.api_route(
    "/qr",
    name="get_qr_code",
    methods=["GET", "HEAD"],
    responses=answers_media(*MEDIA_TYPES.values(), codes=CODES) | {304: NOT_MODIFIED},
    openapi_extra=query_parameters(PictureQuery),
)
async def qr_code_picture(request: Request, pictures: Annotated[Pictures, Depends(pictures_of)]) -> Response:
    peer = request.client.host if request.client else ""
    await pictures.admit(peer, request.headers.getlist("x-forwarded-for"))
    drawing = drawing_of(request.scope["query_string"], ",".join(request.headers.getlist("accept")))
    kept = {"ETag": etag(drawing), "Cache-Control": CACHE_CONTROL, "Vary": "Accept"}
    if _is_known(request, kept["ETag"]):
        return Response(status_code=304, headers=kept)
    return Response(await pictures.file(drawing), headers=kept | _of_file(drawing))


@router.options("/qr", include_in_schema=False)
async def preflight() -> Response:
    return Response(headers=ON_PREFLIGHT)


def _is_known(request: Request, tag: str) -> bool:
    """Whether the caller has the file already."""
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    return tag in (entry.strip().removeprefix("W/") for entry in known)


def _of_file(drawing: Drawing) -> dict[str, str]:
    headers = {
        "Content-Type": MEDIA_TYPES[drawing.format],
        "Content-Disposition": f'inline; filename="qr-code.{drawing.format}"',
        "X-Content-Type-Options": "nosniff",
    }
    if drawing.format == "svg":
        # Opened by itself an SVG is a document; this one has nothing to run or to load, and may not.
        headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return headers
