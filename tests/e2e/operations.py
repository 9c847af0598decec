"""The API's own document, as tests walk it: every operation with its parameters and its body."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Schema = Mapping[str, Any]
METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True)
class Parameter:
    """`resource`: for one in a path, the kind of thing that it names; empty when the document does not say."""

    name: str
    place: str
    schema: Schema
    required: bool
    resource: str


@dataclass(frozen=True)
class Operation:
    """`guarded`: whether it needs a key. `body`: the schema of its JSON body, None when it takes none."""

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    guarded: bool
    body: Schema | None
    body_required: bool
    examples: tuple[Any, ...]
    answers_json: bool

    def of_place(self, place: str) -> list[Parameter]:
        """Its parameters in the path or in the query."""
        return [parameter for parameter in self.parameters if parameter.place == place]

    def example(self) -> Any:
        """A body that is right."""
        return copy.deepcopy(self.examples[0]) if self.examples else example_of(self.body or {})

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def document_of(api_url: str) -> dict[str, Any]:
    """What the gateway answers at `/openapi.json`."""
    answer = httpx.get(f"{api_url}/openapi.json", timeout=15)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation of the document, with all references replaced by what they name."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield _operation(method.upper(), path, resolved(item[method], document))


def resolved(value: Any, document: Mapping[str, Any], above: tuple[str, ...] = ()) -> Any:
    """`value` without references; a schema within itself becomes one that allows everything."""
    if isinstance(value, list):
        return [resolved(entry, document, above) for entry in value]
    if not isinstance(value, dict):
        return value
    if isinstance(reference := value.get("$ref"), str):
        if reference in above:
            return {}
        named: Any = document
        for step in reference.removeprefix("#/").split("/"):
            named = named[step.replace("~1", "/")]
        beside = {name: inner for name, inner in value.items() if name != "$ref"}
        return resolved({**named, **beside}, document, (*above, reference))
    return {name: resolved(inner, document, above) for name, inner in value.items()}


def example_of(schema: Schema) -> Any:
    """A value that the schema shows, or else the least that it describes."""
    for name in ("example", "default", "const"):
        if name in schema:
            return copy.deepcopy(schema[name])
    if examples := schema.get("examples") or schema.get("enum"):
        return copy.deepcopy(examples[0])
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return example_of(branch)
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {name: example_of(inner) for name, inner in schema.get("properties", {}).items() if name in required}
        case "array":
            return [example_of(schema.get("items", {}))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return "example"


def types_of(schema: Schema) -> set[str]:
    """The JSON types that the schema lets through; empty when it lets everything through."""
    found = schema.get("type", [])
    types = {found} if isinstance(found, str) else set(found)
    for word in ("anyOf", "oneOf"):
        for branch in schema.get(word, ()):
            types |= types_of(branch)
    return types


Steps = tuple[str | int, ...]


def fields(schema: Schema) -> Iterator[tuple[Steps, Schema]]:
    """Every field of a body, however deep; of an array its first entry's."""
    found: dict[Steps, Schema] = {}
    for steps, inner in _all_fields(schema, ()):
        found.setdefault(steps, inner)
    yield from found.items()


def _all_fields(schema: Schema, at: Steps) -> Iterator[tuple[Steps, Schema]]:
    """What a branch says of a field that stands beside it comes after it."""
    for name, inner in schema.get("properties", {}).items():
        yield (*at, name), inner
        yield from _all_fields(inner, (*at, name))
    if isinstance(items := schema.get("items"), Mapping):
        yield from _all_fields(items, (*at, 0))
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _all_fields(branch, at)


def put(body: Any, path: Sequence[str | int], value: Any) -> Any:
    """The body with `value` at the path, whatever else must be there for it."""
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        entries = copy.deepcopy(body) if isinstance(body, list) and body else [None]
        entries[0] = put(entries[0], rest, value) if rest else value
        return entries
    found = copy.deepcopy(body) if isinstance(body, dict) else {}
    found[step] = put(found.get(step), rest, value) if rest else value
    return found


def _operation(method: str, path: str, found: Mapping[str, Any]) -> Operation:
    media = found.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = [example["value"] for example in media.get("examples", {}).values()]
    return Operation(
        id=found["operationId"],
        method=method,
        path=path,
        parameters=tuple(_parameter(each) for each in found.get("parameters", ())),
        guarded=bool(found.get("security")),
        body=media.get("schema"),
        body_required=found.get("requestBody", {}).get("required", False),
        examples=tuple(examples + ([media["example"]] if "example" in media else [])),
        answers_json="application/json" in found["responses"]["200"].get("content", {}),
    )


def _parameter(found: Mapping[str, Any]) -> Parameter:
    schema = found.get("schema", {})
    return Parameter(
        name=found["name"],
        place=found["in"],
        schema=schema,
        required=found.get("required", False),
        resource=schema.get("x-resource", ""),
    )
