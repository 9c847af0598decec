"""Validation errors in the contract's words: `<path>: <problem>` (422), or a body that is no JSON (400)."""

import re

from fastapi.exceptions import RequestValidationError

from codeqr_common import errors
from codeqr_common.errors import ApiError

PLACES = ("body", "query", "path", "header", "cookie")
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*: ")
NOT_JSON = ("json_invalid", "json_type")


def to_api_error(error: RequestValidationError) -> ApiError:
    """The first problem, as the contract's envelope wants it."""
    first = error.errors()[0]
    location = tuple(first["loc"])
    if first["type"] in NOT_JSON:
        return errors.bad_request("The body is not JSON.")
    if location == ("body",):
        if first["type"] == "missing":
            return errors.bad_request("A JSON body is required.")
        if isinstance(first.get("input"), bytes):
            return errors.bad_request("The body must be sent as application/json.")
    return errors.unprocessable_entity(_sentence(location, first["msg"]))


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    """`<path>: <problem>`. A model's own check may name the field itself: `url: is required`."""
    own = message.removeprefix("Value error, ")
    path = _path(location)
    if own != message and (named := FIELD.match(own)):
        return own if path == "body" else f"{path}.{named[0]}{own[named.end() :]}"
    return f"{path}: {_problem(message)}"


def _path(location: tuple[int | str, ...]) -> str:
    steps = location[1:] if location and location[0] in PLACES else location
    return ".".join(str(step) for step in steps) or "body"


def _problem(message: str) -> str:
    """pydantic's sentence without the prefix it puts before ours, as the end of a line `<path>: …`."""
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
