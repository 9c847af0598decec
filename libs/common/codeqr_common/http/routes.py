"""Routes that FastAPI documents and that are answered without its machinery: a fifth of its CPU, and auth comes first.

An endpoint of a `DirectRoute` takes, in any order: the `Request`; values of `Depends(function of the request)`; texts
from the path; a model of single values from the query (`Query()`); one pydantic model, read from the JSON body
(`Model | None`: one that may be left out). Dependencies run in the order in which they stand, the body is read last:
who has no key is told so before the body is looked at.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from fastapi import APIRouter, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from codeqr_common import errors
from codeqr_common.http.validation import to_api_error

Model = TypeVar("Model", bound=BaseModel)
Reader = Callable[[Request], Awaitable[Any]]
CONSTANTS = (b"NaN", b"Infinity")
JSON_TYPES = ("application/json",)


class DirectRoute(APIRoute):
    """Use it as `APIRouter(route_class=DirectRoute)`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.dependencies:
            raise TypeError(f"{self.path}: a DirectRoute runs no dependencies but those of its endpoint")

    @cached_property
    def _readers(self) -> list[tuple[str, Reader]]:
        parameters = inspect.signature(self.endpoint, eval_str=True).parameters
        ranked = [(name, *_reader(name, parameter)) for name, parameter in parameters.items()]
        return [(name, read) for name, _, read in sorted(ranked, key=lambda entry: entry[1])]

    async def answer(self, request: Request) -> Response:
        """What the endpoint answers."""
        arguments = {}
        for name, read in self._readers:
            arguments[name] = await read(request)
        answer: Response = await self.endpoint(**arguments)
        return answer

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.answer


def direct_routes(router: APIRouter) -> dict[tuple[str, str], DirectRoute]:
    """Method and path → route, for the router's own routes whose path has no parameter."""
    found = [route for route in router.routes if isinstance(route, DirectRoute) and "{" not in route.path]
    return {(method, route.path): route for route in found for method in route.methods or ()}


async def read_body(request: Request, model: type[Model]) -> Model:
    """The JSON body as `model`. Raises `ApiError`: 400 for what is no JSON, 422 for wrong values."""
    raw = await json_bytes(request)
    if any(constant in raw for constant in CONSTANTS):  # pydantic's reader takes them for numbers
        return validated(model, any_json(raw))
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.errors(include_url=False, include_context=False)[0]["type"] != "json_invalid":
            raise body_error(error) from error
    return validated(model, any_json(raw))


async def json_bytes(request: Request) -> bytes:
    """The body of a request that says it is JSON. Raises 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES and not (kind.startswith("application/") and kind.endswith("+json")):
        raise errors.bad_request("The body must be sent as application/json.")
    raw = await request.body()
    if not raw:
        raise errors.bad_request("A JSON body is required.")
    return raw


def any_json(raw: bytes) -> Any:
    """JSON by Python's own reader, which takes more than strict ones do, halves of surrogate pairs for example.

    Raises 400.
    """
    try:
        return json.loads(raw.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise errors.bad_request("The body is not JSON.") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def validated(model: type[Model], value: Any) -> Model:
    """`value` as `model`. Raises 422."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise body_error(error) from error


def body_error(error: ValidationError, place: str = "body") -> errors.ApiError:
    """What is wrong with a body (or another `place`), as the contract says it."""
    found = [{**each, "loc": (place, *each["loc"])} for each in error.errors(include_url=False)]
    return to_api_error(RequestValidationError(found))


def _reader(name: str, parameter: inspect.Parameter) -> tuple[int, Reader]:
    """How to get an argument, and when: dependencies first, the body last."""
    kind: Any = parameter.annotation
    metadata: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *rest = get_args(kind)
        metadata = tuple(rest)
    depends: params.Depends | None = next((each for each in metadata if isinstance(each, params.Depends)), None)
    if depends is not None:
        return 0, _dependency(depends)
    if any(isinstance(each, params.Query) for each in metadata):
        return 1, _query(kind)
    if kind is Request:
        return 1, _request
    if kind is str:
        return 1, _path_text(name)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return 2, lambda request: read_body(request, kind)
    if get_origin(kind) is UnionType and get_args(kind)[1:] == (NoneType,):
        return 2, _optional_body(get_args(kind)[0])
    raise TypeError(f"a DirectRoute cannot read {name}: {parameter.annotation}")


def _optional_body(model: type[BaseModel]) -> Reader:
    async def read(request: Request) -> BaseModel | None:
        raw = await request.body()
        if not raw or raw.strip() == b"null":
            return None
        return await read_body(request, model)

    return read


def _dependency(depends: params.Depends) -> Reader:
    function: Any = depends.dependency
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        read: Reader = function
        return read

    async def call(request: Request) -> Any:
        value = function(request)
        if inspect.isawaitable(value):
            raise TypeError(f"{function} must be a coroutine function, for what it gives is awaited")
        return value

    return call


def _query(model: type[BaseModel]) -> Reader:
    async def read(request: Request) -> BaseModel:
        try:
            return model.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise body_error(error, "query") from error

    return read


async def _request(request: Request) -> Request:
    return request


def _path_text(name: str) -> Reader:
    async def read(request: Request) -> str:
        return str(request.path_params[name])

    return read
