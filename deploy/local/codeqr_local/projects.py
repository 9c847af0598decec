"""Projects of the running stack: what the `codeqr projects` commands do and print."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from codeqr_local.internal import InternalApi, NotThere
from codeqr_local.reports import link_api, ready
from codeqr_local.settings import Settings

PAGE = 50
Progress = Callable[[int], None]
"""Is told how many links are deleted so far."""


def create(settings: Settings, name: str, slug: str, *, as_json: bool) -> str:
    """Make a project; gives its id, slug and key."""
    body = {"name": name, **({"slug": slug} if slug else {})}
    made = link_api(ready(settings)).post("/internal/projects", body)
    return _printed({field: made[field] for field in ("id", "slug", "apiKey")}, as_json=as_json)


def listed(settings: Settings, *, as_json: bool) -> str:
    """All projects, in the order they came, as a table or as one JSON array."""
    api = link_api(ready(settings))
    found: list[dict[str, Any]] = []
    while page := api.get("/internal/projects", {"pageSize": str(PAGE), **_after(found)}):
        found += page
    if as_json:
        return json.dumps(found, indent=2)
    lines = [f"{'SLUG':<50} {'LINKS':>9} {'CLICKS':>11} {'SCANS':>9}  NAME"]
    lines += [
        f"{one['slug']:<50} {one['linksUsage']:>9} {one['clicks']:>11} {one['scans']:>9}  {one['name']}"
        for one in found
    ]
    return "\n".join(lines)


def shown(settings: Settings, slug: str, *, as_json: bool) -> str:
    """One project with its figures and domains."""
    return _printed(link_api(ready(settings)).get(_path(slug)), as_json=as_json)


def update(settings: Settings, slug: str, values: dict[str, str], *, as_json: bool) -> str:
    """Change a project's name or slug; gives it as it is then."""
    return _printed(link_api(ready(settings)).patch(_path(slug), values), as_json=as_json)


def links_of(settings: Settings, slug: str) -> int | None:
    """How many links would go with the project; None when its deletion has begun, or there is no such project."""
    try:
        return int(link_api(ready(settings)).get(_path(slug))["linksUsage"])
    except NotThere:
        return None


def delete(settings: Settings, slug: str, progress: Progress, *, as_json: bool) -> str:
    """Delete a project with all that it has, or go on with that; gives its id, slug and how many links went."""
    done = delete_all(link_api(ready(settings)), slug, progress)
    return _printed(done, as_json=as_json)


def delete_all(api: InternalApi, slug: str, progress: Progress) -> dict[str, Any]:
    """Ask for the deletion until it is done. Whatever breaks it off: asked again it goes on."""
    links = 0
    while True:
        step = api.delete(_path(slug))
        links += step["deletedLinks"]
        if step["done"]:
            return {"id": step["id"], "slug": step["slug"], "deletedLinks": links}
        progress(links)


def _path(slug: str) -> str:
    return f"/internal/projects/{quote(slug, safe='')}"


def _after(found: list[dict[str, Any]]) -> dict[str, str]:
    return {"startingAfter": found[-1]["id"]} if found else {}


def _printed(fields: dict[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(fields)
    width = max(map(len, fields))
    return "\n".join(f"{name:<{width}} {_text(value)}" for name, value in fields.items())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_domain(each) for each in value)
    return str(value)


def _domain(domain: dict[str, Any]) -> str:
    notes = [name for name in ("primary",) if domain[name]] + ["not verified"] * (not domain["verified"])
    return f"{domain['slug']} ({', '.join(notes)})" if notes else str(domain["slug"])
