"""Validation errors in the contract's words: `<path>: <problem>` (422), or a body that is no JSON (400)."""

from fastapi.exceptions import RequestValidationError

from codeqr_common import errors
from codeqr_common.errors import ApiError

PLACES = ("body", "query", "path", "header", "cookie")
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
    return errors.unprocessable_entity(f"{_path(location)}: {_problem(first['msg'])}")


def _path(location: tuple[int | str, ...]) -> str:
    steps = location[1:] if location and location[0] in PLACES else location
    return ".".join(str(step) for step in steps) or "body"


def _problem(message: str) -> str:
    """pydantic's sentence without the prefix it puts before ours, as the end of a line `<path>: …`."""
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
