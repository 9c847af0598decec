"""The services' parts made into one document, and how documents are written."""

import json
from typing import Any

from codeqr_common.http.openapi.common import OPENAPI

Document = dict[str, Any]
HEAD = ("openapi", "info")


class Clash(Exception):
    """Two parts say different things under one name."""


def merged(*parts: Document) -> Document:
    """One document of all parts. Raises `Clash`."""
    whole: Document = {"openapi": OPENAPI, "info": parts[0]["info"], "tags": [], "paths": {}, "components": {}}
    for part in parts:
        for name in HEAD:
            if part[name] != whole[name]:
                raise Clash(name)
        whole["tags"] += [tag for tag in part["tags"] if tag not in whole["tags"]]
        _add_paths(whole["paths"], part["paths"])
        for kind, components in part["components"].items():
            _add(whole["components"].setdefault(kind, {}), components, kind)
    _check_names(whole)
    return whole


def written(document: Document) -> str:
    """The document as it is checked in: the same text for the same content, whatever order it was found in."""
    components = document["components"]
    ordered = document | {
        "paths": {path: dict(sorted(document["paths"][path].items())) for path in sorted(document["paths"])},
        "components": {kind: dict(sorted(components[kind].items())) for kind in sorted(components)},
    }
    return json.dumps(ordered, ensure_ascii=False, indent=2) + "\n"


def _add_paths(whole: dict[str, Any], part: dict[str, Any]) -> None:
    for path, operations in part.items():
        known = whole.setdefault(path, {})
        if twice := known.keys() & operations.keys():
            raise Clash(f"{path}: {', '.join(sorted(twice))}")
        known.update(operations)


def _add(whole: dict[str, Any], part: dict[str, Any], kind: str) -> None:
    for name, content in part.items():
        if whole.setdefault(name, content) != content:
            raise Clash(f"{kind}: {name}")


def _check_names(whole: Document) -> None:
    seen: set[str] = set()
    for path, operations in whole["paths"].items():
        for operation in operations.values():
            name = operation["operationId"]
            if name in seen:
                raise Clash(f"operationId: {name} ({path})")
            seen.add(name)
    tags = [tag["name"] for tag in whole["tags"]]
    if len(set(tags)) != len(tags):
        raise Clash("tags")
