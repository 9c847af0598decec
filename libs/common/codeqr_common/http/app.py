"""The FastAPI application that every public listener starts from: envelope, request ids, limits, metrics, traces."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.http.middleware import RequestScope
from codeqr_common.http.validation import to_api_error

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
BODY_LIMIT = 1 << 20
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")

_encode = msgspec.json.Encoder().encode


class MsgspecResponse(Response):
    """JSON of anything msgspec can write: structs, mappings, sequences."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


def error_response(error: ApiError) -> MsgspecResponse:
    """`error` in the envelope."""
    return MsgspecResponse(
        errors.envelope(error.code, error.message), status_code=error.status, headers=dict(error.headers)
    )


def create_app(
    title: str,
    *,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    body_limit: int = BODY_LIMIT,
) -> FastAPI:
    """An application whose every answer keeps the contract's promises on errors and request ids.

    `body_limit` is in bytes; more is answered 400.
    """
    app = FastAPI(
        title=title,
        lifespan=lifespan or _nothing,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=MsgspecResponse,
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(RequestScope, listener=title, body_limit=body_limit)
    return app


class _nothing:  # noqa: N801 - a lifespan that does nothing, written as the context manager it is
    def __init__(self, _app: FastAPI) -> None: ...

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_error: object) -> None: ...


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class alone
    return error_response(error)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return error_response(to_api_error(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return error_response(errors.not_found(f"There is nothing at {request.url.path}."))
    if error.status_code == 405:
        message = f"{request.method} is not offered at {request.url.path}."
        return error_response(ApiError("method_not_allowed", message, headers={"Allow": _allowed(request)}))
    other = "bad_request" if error.status_code < 500 else "internal_server_error"
    code = errors.CODE_OF_STATUS.get(error.status_code, other)
    return error_response(ApiError(code, str(error.detail), headers=headers))


def _allowed(request: Request) -> str:
    """All methods that some route offers at this path: Starlette's own header names those of the first one only."""
    return ", ".join(method for method in METHODS if _offered(request, method))


def _offered(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in request.app.routes)


__all__ = ["BODY_LIMIT", "MsgspecResponse", "create_app", "error_response"]
