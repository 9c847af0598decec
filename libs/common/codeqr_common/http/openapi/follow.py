"""What can be done next with an answer: OpenAPI links from operations that give a thing to those that take its id."""

from collections.abc import Mapping
from typing import Any

from codeqr_common.http.openapi.operations import Operation, camel

Schema = dict[str, Any]
Described = tuple[Operation, Schema]
REF = "#/components/schemas/"


def add_links(operations: Mapping[str, Described], schemas: Mapping[str, Schema]) -> None:
    """Put `links` on the answers of operations at `/things` that show a thing, to all operations at `/things/{id}`."""
    for operation, described in operations.values():
        links = dict(_links(operation, described, operations, schemas))
        if links:
            described["responses"]["200"]["links"] = links


def _links(
    operation: Operation, described: Schema, operations: Mapping[str, Described], schemas: Mapping[str, Schema]
) -> list[tuple[str, Schema]]:
    if operation.method != "POST" or "{" in operation.path:
        return []
    shown = _properties(described, schemas)
    found = []
    for target, _ in operations.values():
        collection, _, rest = target.path.partition("/{")
        parameter, _, below = rest.partition("}")
        field = "id" if parameter.endswith("_id") else parameter
        if collection == operation.path and parameter and "{" not in below and field in shown:
            taken = {camel(parameter): f"$response.body#/{field}"}
            found.append((target.id, {"operationId": target.id, "parameters": taken}))
    return found


def _properties(described: Schema, schemas: Mapping[str, Schema]) -> Mapping[str, Schema]:
    media = described["responses"]["200"]["content"].get("application/json", {})
    name = str(media.get("schema", {}).get("$ref", "")).removeprefix(REF)
    properties: Mapping[str, Schema] = schemas.get(name, {}).get("properties", {})
    return properties
