"""How callers' texts and names come in, alike for every resource."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import AfterValidator, AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field, ValidationError

from codeqr_common import errors
from codeqr_common.events.links import spelling

Model = TypeVar("Model", bound=BaseModel)

STORABLE = "^[^\\u0000]*$"
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def _storable(value: str) -> str:
    if NOT_STORABLE.search(value):
        raise ValueError("holds a NUL character or half of a surrogate pair")
    return value


Text = Annotated[str, AfterValidator(_storable), Field(json_schema_extra={"pattern": STORABLE})]
"""A text that Postgres can store."""


def snake_and_camel() -> ConfigDict:
    """A model that takes `external_id` and `externalId` alike (the second wins) and ignores what it does not know."""
    choices = AliasGenerator(validation_alias=lambda name: AliasChoices(spelling(name), name))
    return ConfigDict(alias_generator=choices, extra="ignore", frozen=True)


def empty_is_none(value: Any) -> Any:
    """An empty text is none, for callers that cannot send null."""
    return None if value == "" else value


def trimmed(value: Any) -> Any:
    """A text without outer blanks; None for an empty one."""
    return (value.strip() or None) if isinstance(value, str) else value


def stripped(value: Any) -> Any:
    """A text without outer blanks. `StringConstraints` would strip after it has measured."""
    return value.strip() if isinstance(value, str) else value


def no_flag(value: Any) -> Any:
    """Anything but a boolean, which pydantic would take for the number 1 or 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def cut(length: int) -> Callable[[str], str]:
    """A validator that keeps the first `length` characters."""
    return lambda value: value[:length]


def string_list(value: Any) -> Any:
    """A string, a comma list, or an array, as a list without empty entries. An array's entries may hold commas."""
    if isinstance(value, str):
        value = Repeated([value])
    if isinstance(value, Repeated):
        return [part for entry in value for part in _parts(entry)]
    if not isinstance(value, list):
        return value
    texts = (entry.strip() if isinstance(entry, str) else entry for entry in value)
    return [entry for entry in texts if entry != ""]


class Repeated(list[str]):
    """A query parameter that is there several times: each of its texts may be a comma list."""


def _parts(entry: str) -> list[str]:
    return [part.strip() for part in entry.split(",") if part.strip()]


def query_of(request: Request) -> Mapping[str, str | Repeated]:
    """The query's parameters."""
    values: dict[str, Repeated] = {}
    for name, value in request.query_params.multi_items():
        values.setdefault(name, Repeated()).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def parsed_query(model: type[Model], request: Request) -> Model:
    """The query as `model`. Raises 422."""
    try:
        return model.model_validate(query_of(request))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(step) for step in first["loc"]) or "query"
        raise errors.unprocessable_entity(f"{path}: {first['msg'].removeprefix('Value error, ')}") from error
