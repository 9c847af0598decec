"""Answers by the msgspec types that services really write, as OpenAPI 3.1 schemas: exact, nothing left open."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

REF = "#/components/schemas/"
Schema = dict[str, Any]


class Deleted(msgspec.Struct, frozen=True):
    """The answer of every deletion: the id of what is gone."""

    id: str


class Answer(dict[str, Any]):
    """An entry of FastAPI's `responses=` that also carries what FastAPI has no place for.

    `kind` is the type of a JSON answer, or `MEDIA` for one that is not JSON; `codes` are errors besides those that
    the route itself shows.
    """

    def __init__(self, kind: Any, codes: tuple[str, ...], media: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.kind = kind
        self.codes = codes
        self.media = media

    def __deepcopy__(self, memo: dict[int, Any]) -> "Answer":
        return Answer(self.kind, self.codes, self.media)


def answers(kind: Any, *codes: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses=` for a 200 of JSON of `kind`, and errors with `codes` (`codeqr_common.errors.STATUS`)."""
    return {200: Answer(kind, codes)}


def answers_media(*media: str, codes: tuple[str, ...] = ()) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses=` for a 200 of something else than JSON: a text for `text/…`, bytes for all others."""
    return {200: Answer(None, codes, media)}


def content_of(answer: Answer) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """The answer's media types, each with its schema, and the named schemas that these refer to."""
    if answer.media:
        return {name: {"schema": _media_schema(name)} for name in answer.media}, {}
    schema, components = _schema_of(answer.kind)
    for struct in set(_structs(answer.kind)):
        _make_exact(components[struct.__name__], struct)
    return {"application/json": {"schema": schema}}, components


def _schema_of(kind: Any) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a type and of what it names. msgspec itself knows no union of structs without a tag."""
    if get_origin(kind) is list:
        items, components = _schema_of(get_args(kind)[0])
        return {"type": "array", "items": items}, components
    if get_origin(kind) in (Union, UnionType):
        branches = [_schema_of(branch) for branch in get_args(kind)]
        return {"anyOf": [schema for schema, _ in branches]}, {
            name: of for _, all_ in branches for name, of in all_.items()
        }
    (schema,), components = msgspec.json.schema_components([kind], ref_template=f"{REF}{{name}}")
    return schema, components


def _media_schema(name: str) -> Schema:
    return {"type": "string"} if name.startswith("text/") else {}


def _make_exact(schema: Schema, struct: type[msgspec.Struct]) -> None:
    """Every field is written, but for one that may be unset; there are no others; none has a default to a reader."""
    fields = msgspec.structs.fields(struct)
    schema["required"] = [field.encode_name for field in fields if not _may_be_missing(struct, field.type)]
    schema["additionalProperties"] = False
    for described in schema["properties"].values():
        described.pop("default", None)


def _may_be_missing(struct: type[msgspec.Struct], kind: Any) -> bool:
    return struct.__struct_config__.omit_defaults or msgspec.UnsetType in get_args(kind)


def _structs(kind: Any, above: frozenset[Any] = frozenset()) -> Iterator[type[msgspec.Struct]]:
    """All structs in a type, however deep."""
    if kind in above:
        return
    for inner in get_args(kind):
        yield from _structs(inner, above)
    plain = get_origin(kind) or kind
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        yield plain
        for field in msgspec.structs.fields(plain):
            yield from _structs(field.type, above | {kind})
