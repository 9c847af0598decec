"""The FastAPI application that every public listener starts from: envelope, request ids, limits, metrics, traces."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.http.middleware import Admit, RequestScope
from codeqr_common.http.responses import MsgspecResponse, error_response
from codeqr_common.http.routes import DirectRoute, direct_routes
from codeqr_common.http.validation import to_api_error
from codeqr_common.idempotency import Replayed

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
BODY_LIMIT = 1 << 20
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Api(FastAPI):
    """FastAPI with a short way to routes of one fixed path (see `DirectRoute`): past its middlewares and its router.

    A fixed path has its own methods and no others, whatever a route with a parameter (`/links/{link_id}`) would take.
    """

    scoped: RequestScope
    refused: RequestScope

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.direct: dict[tuple[str, str], DirectRoute] = {}
        self.fixed: dict[str, set[str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self.direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            if scope["type"] == "http" and scope["method"] not in self.fixed.get(scope["path"], (scope["method"],)):
                scope["app"] = self
                await self.refused(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        else:
            scope["app"], scope["route"] = self, route
            await self.scoped(scope, receive, send)


async def _answer_directly(scope: Scope, receive: Receive, send: Send) -> None:
    route: DirectRoute = scope["route"]
    request = Request(scope, receive, send)
    try:
        answer = await route.answer(request)
    except Replayed as first:
        answer = await _replayed(request, first)
    except HTTPException as error:
        answer = await _http_error(request, error)
    await answer(scope, receive, send)


async def _not_offered(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    answer = await _http_error(request, HTTPException(405))
    await answer(scope, receive, send)


def create_app(
    title: str,
    *,
    routers: Sequence[APIRouter],
    lifespan: Lifespan | None = None,
    body_limit: int = BODY_LIMIT,
    body_limits: Mapping[str, int] | None = None,
    admit: Admit | None = None,
) -> FastAPI:
    """An application whose every answer keeps the contract's promises on errors and request ids.

    `body_limit` is in bytes; more is answered 400. `body_limits`: those of certain paths.
    `admit` is asked before every route (see `RequestScope`).
    """
    app = Api(
        title=title,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=MsgspecResponse,
    )
    scope: dict[str, Any] = {"body_limit": body_limit, "body_limits": body_limits, "admit": admit}
    app.scoped = RequestScope(_answer_directly, listener=title, **scope)
    app.refused = RequestScope(_not_offered, listener=title, **scope)
    app.add_middleware(RequestScope, listener=title, **scope)
    for router in routers:
        app.include_router(router)
        app.direct |= direct_routes(router)
    for method, path in app.direct:
        app.fixed.setdefault(path, set()).add(method)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Replayed, _replayed)
    return app


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class alone
    return error_response(error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return error_response(await _refusal(request) or to_api_error(error))


async def _replayed(_request: Request, first: Exception) -> Response:
    assert isinstance(first, Replayed)  # noqa: S101
    return Response(first.answer, media_type="application/json", headers={"Idempotent-Replayed": "true"})


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return error_response(errors.not_found(f"There is nothing at {request.url.path}."))
    if error.status_code == 405:
        message = f"{request.method} is not offered at {request.url.path}."
        return error_response(ApiError("method_not_allowed", message, headers={"Allow": _allowed(request)}))
    if refusal := await _refusal(request):
        return error_response(refusal)
    other = "bad_request" if error.status_code < 500 else "internal_server_error"
    code = errors.CODE_OF_STATUS.get(error.status_code, other)
    return error_response(ApiError(code, str(error.detail), headers=headers))


async def _refusal(request: Request) -> ApiError | None:
    """What the route's guard says to a caller whose body could not be read: bodies are read before guards are asked.

    Without it a stranger would be told what is wrong with the body, and a caller with a key would not be counted.
    """
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or "identity" in request.scope["state"]:
        return None
    for dependency in dependant.dependencies:
        if admit := getattr(dependency.call, "admit", None):
            try:
                await admit(request)
            except ApiError as error:
                return error
    return None


def _allowed(request: Request) -> str:
    """All methods that are offered at this path: Starlette's own header names those of the first route only.

    What a route with a parameter offers (`/links/{link_id}`) is not said of a path that has routes of its own
    (`/links/info`).
    """
    contexts = list(iter_route_contexts(request.app.routes))
    own = {method for context in contexts if context.path == request.url.path for method in context.methods or ()}
    return ", ".join(method for method in METHODS if (method in own if own else _offered(request, method)))


def _offered(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(dict(scope))[0] is Match.FULL for route in request.app.routes)
