"""Queries and bodies that endpoints read by hand."""

import copy
from typing import Any

from pydantic import BaseModel

from codeqr_common.http.openapi.leniency import FLAG

Schema = dict[str, Any]


def query_parameters(*models: type[BaseModel]) -> dict[str, Any]:
    """FastAPI's `openapi_extra=` for a query that the endpoint reads by hand into pydantic models.

    Names are the camelCase ones (the first alias of each field); that others are taken too is said once, in the guide.
    """
    return {"parameters": [found for model in models for found in _parameters(model)]}


def json_body(schema: Schema) -> dict[str, Any]:
    """FastAPI's `openapi_extra=` for a body of JSON that the endpoint reads by hand."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions = schema.get("$defs", {})
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return [_parameter(name, inlined(found, definitions), name in required) for name, found in properties.items()]


def _parameter(name: str, schema: Schema, required: bool) -> dict[str, Any]:
    schema = query_schema(schema)
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": required}
    if text := schema.pop("description", None):
        parameter["description"] = text
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": True}
    return parameter | {"schema": schema}


def query_schema(schema: Schema) -> Schema:
    """A field as a parameter: it cannot be null, and a list is a repeated parameter."""
    schema = copy.deepcopy(schema)
    schema.pop("title", None)
    if schema.get("default", 0) is None:
        del schema["default"]
    branches = [branch for branch in schema.pop("anyOf", ()) if branch.get("type") != "null"]
    arrays = [branch for branch in branches if branch.get("type") == "array"]
    if chosen := arrays or (branches if len(branches) == 1 else []):
        schema = chosen[0] | schema
    elif branches:
        schema["anyOf"] = branches
    if schema.get("type") == "boolean":
        schema.pop("type")
        schema = FLAG | schema
    return schema


def inlined(schema: Any, definitions: dict[str, Schema]) -> Any:
    """`schema` with each reference into `definitions` replaced by what it names."""
    if isinstance(schema, list):
        return [inlined(entry, definitions) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if name := str(schema.get("$ref", "")).removeprefix("#/$defs/"):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return inlined(definitions[name], definitions) | rest if name in definitions else schema
    return {key: inlined(value, definitions) for key, value in schema.items()}
