"""One service's part of the reference, from the routes of its application."""

import copy
import warnings
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from codeqr_common.http.openapi import common
from codeqr_common.http.openapi.answers import content_of
from codeqr_common.http.openapi.follow import add_links
from codeqr_common.http.openapi.leniency import lenient
from codeqr_common.http.openapi.operations import DocumentError, Operation, camel
from codeqr_common.http.openapi.schemas import describe, example_of
from codeqr_common.http.openapi.texts import Texts

Document = dict[str, Any]
OF_FASTAPI = ("HTTPValidationError", "ValidationError")
"""Schemas of errors that FastAPI would answer; here nobody ever sees them."""
OPEN = "Fields that are not listed are ignored; snake_case names are taken too."
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def document(app: FastAPI, texts: Texts) -> Document:
    """The part that describes every public route of `app`. Raises `DocumentError` for what is not said."""
    found = _found(app)
    operations = list(_operations(app, found, texts))
    described = _described(operations)
    schemas = _bodies(found, texts) | _answers(operations, texts)
    for operation in operations:
        _illustrate(operation, described[operation.id], schemas)
    add_links({operation.id: (operation, described[operation.id]) for operation in operations}, schemas)
    paths: Document = {}
    for operation in operations:
        paths.setdefault(_public(operation.path), {})[operation.method.lower()] = described[operation.id]
    shared = copy.deepcopy(common.components())
    for name, schema in schemas.items():
        if shared["schemas"].setdefault(name, schema) != schema:
            raise DocumentError(f"the schema {name} is one that all parts have")
    used = {tag for operation in described.values() for tag in operation["tags"]}
    return {
        "openapi": common.OPENAPI,
        "info": {
            "title": common.TITLE,
            "version": common.VERSION,
            "description": common.guide(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag["name"], "description": tag["text"]} for tag in texts.groups() if tag["name"] in used],
        "paths": paths,
        "components": shared,
    }


def _described(operations: list[Operation]) -> dict[str, Document]:
    described, problems = {}, []
    for operation in operations:
        if operation.id in described:
            problems.append(f"{operation.method} {operation.path}: another operation is called {operation.id}")
        try:
            described[operation.id] = operation.described()
        except DocumentError as error:
            problems.append(str(error))
    if problems:
        raise DocumentError("\n".join(problems))
    return described


def _public_routes(app: FastAPI) -> Iterator[RouteContext]:
    """Every route of `app` that the reference shows."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.include_in_schema:
            yield context


def hidden_paths(app: FastAPI) -> set[str]:
    """Paths of `app` that the reference leaves out."""
    shown = {context.path for context in _public_routes(app)}
    return {str(context.path) for context in iter_route_contexts(app.routes)} - shown


def _found(app: FastAPI) -> Document:
    """What FastAPI itself finds out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Duplicate Operation ID")  # they get names of our own
        return get_openapi(title=common.TITLE, version=common.VERSION, routes=app.routes)


def _operations(app: FastAPI, found: Document, texts: Texts) -> Iterator[Operation]:
    homes: dict[str, str] = {}
    for context in _public_routes(app):
        path, name = str(context.path_format), camel(str(context.name))
        is_elsewhere = homes.setdefault(name, path) != path
        own = f"{name}At{path.rpartition('/')[2].title()}" if is_elsewhere else name
        methods = [method for method in METHODS if method in (context.methods or ())]
        for method in methods:
            operation_id = own if method == methods[0] else f"{own}By{method.title()}"
            yield Operation(operation_id, name, path, method, context, found["paths"][path][method.lower()], texts)


def _bodies(found: Document, texts: Texts) -> dict[str, Any]:
    schemas = {name: lenient(schema) for name, schema in found.get("components", {}).get("schemas", {}).items()}
    for name in OF_FASTAPI:
        schemas.pop(name, None)
    for name, schema in schemas.items():
        describe(name, schema, texts, exact=False)
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", True)
            schema["description"] = f"{schema.get('description', '')} {OPEN}".strip()
    return schemas


def _answers(operations: list[Operation], texts: Texts) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for operation in operations:
        _, named = content_of(operation.answer)
        for name, schema in named.items():
            describe(name, schema, texts, exact=True)
            if schemas.setdefault(name, schema) != schema:
                raise DocumentError(f"two answers are called {name}")
    return schemas


def _illustrate(operation: Operation, described: Document, schemas: dict[str, Any]) -> None:
    """Put an example on an answer of JSON."""
    if media := described["responses"]["200"]["content"].get("application/json"):
        own = operation.words.get("example")
        media["example"] = example_of(media["schema"], schemas) if own is None else own


def _public(path: str) -> str:
    """`/links/{link_id}` → `/links/{linkId}`."""
    return camel(path)
