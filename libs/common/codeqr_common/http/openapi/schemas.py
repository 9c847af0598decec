"""Named schemas with their words, and examples made of the fields' examples."""

from collections.abc import Mapping
from typing import Any

from codeqr_common.http.openapi.texts import Texts, Words, constraints

Schema = dict[str, Any]
REF = "#/components/schemas/"


def describe(name: str, schema: Schema, texts: Texts, *, exact: bool) -> None:
    """Put words on a named schema and its fields. `exact`: an answer's, else a body's."""
    schema.pop("title", None)
    schema.pop("description", None)
    words = texts.schemas.get(name, {})
    if "text" in words:
        schema["description"] = words["text"]
    schema |= words.get("also", {})
    for field, found in schema.get("properties", {}).items():
        found.pop("title", None)
        words = texts.of_field(name, field)
        if taken := words.get("schema") or (None if exact else words.get("sent")):
            found.clear()
            found |= taken
        _say(found, words)
        _restrict(found, constraints(words) if exact else words.get("accepts", {}))


def describe_parameter(parameter: Schema, words: Words) -> None:
    """Put words on a parameter of an operation. Pages would send the example of one that may be left out."""
    parameter["schema"].pop("title", None)
    _restrict(parameter["schema"], words.get("accepts", {}))
    parameter["required"] = words.get("required", parameter["required"])
    text, example = words.get("text", ""), words.get("example")
    if example is not None and parameter["required"]:
        parameter["example"] = example
    elif example is not None and "enum" not in parameter["schema"]:
        text = f"{text} For example `{', '.join(example) if isinstance(example, list) else example}`."
    if text:
        parameter.setdefault("description", text.strip())


def example_of(schema: Schema, named: dict[str, Schema]) -> Any:
    """A value that `schema` allows, as like life as the fields' examples are."""
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if name := str(schema.get("$ref", "")).removeprefix(REF):
        return example_of(named[name], named)
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(branches[-1] if {"type": "null"} in branches else branches[0], named)
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: example_of(found, named) for name, found in properties.items()}
        case "array":
            return [example_of(schema["items"], named)] if "items" in schema else []
        case "boolean":
            return False
        case "integer" | "number":
            return max(schema.get("minimum", 0), 0)
        case "null":
            return None
    return "…"


def _say(schema: Schema, words: Words) -> None:
    if text := words.get("text"):
        schema.setdefault("description", text)
    if "example" in words:
        schema.setdefault("examples", [words["example"]])


def _restrict(schema: Schema, restrictions: Mapping[str, Any]) -> None:
    """Put restrictions on the texts in a field, list or not, nullable or not; `null = false` takes the null away."""
    text = {name: value for name, value in restrictions.items() if name != "null"}
    if restrictions.get("null") is False:
        drop_null(schema)
    if schema.get("type") == "string" and "enum" not in schema:
        schema |= text
    for branch in schema.get("anyOf", ()):
        _restrict(branch, text)
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            _restrict(schema[inner], text)


def drop_null(schema: Schema) -> None:
    """Take the null out of what `schema` allows."""
    if "anyOf" in schema:
        branches = [branch for branch in schema.pop("anyOf") if branch != {"type": "null"}]
        schema |= branches[0] if len(branches) == 1 else {"anyOf": branches}
