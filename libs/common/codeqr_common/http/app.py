"""The FastAPI application that every public listener starts from: envelope, request ids, limits, metrics, traces."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.http.middleware import RequestScope
from codeqr_common.http.responses import MsgspecResponse, error_response
from codeqr_common.http.validation import to_api_error

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
BODY_LIMIT = 1 << 20
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


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
        lifespan=lifespan,
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
