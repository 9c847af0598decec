"""What the reference shows, made once, at start: the document, the interactive page, the page of errors."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastapi_offline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

PACKAGE = Path(__file__).parent
SWAGGER_UI = Path(fastapi_offline.__file__).parent / "static"
ASSETS = {
    "swagger-ui-bundle.js": SWAGGER_UI,
    "swagger-ui.css": SWAGGER_UI,
    "reference.js": PACKAGE / "static",
    "reference.css": PACKAGE / "static",
    "favicon.svg": PACKAGE / "static",
}
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
HTML = "text/html; charset=utf-8"
PAGE_AGE_S = 300
ASSET_AGE_S = 24 * 3600
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from anywhere else. Pictures as `data:` are those in Swagger UI's style sheet."""


@dataclass(frozen=True)
class Page:
    """A body that does not change while the process lives, and its headers."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        return self.headers["etag"]


class Reference:
    """All pages. `api_base`: the API's address as callers write it."""

    def __init__(self, api_base: str) -> None:
        environment = Environment(
            loader=FileSystemLoader(PACKAGE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        text = Markup(rendered((PACKAGE / "errors.md").read_text("utf-8")))  # noqa: S704 - our own file
        self.openapi = _page(openapi_of(api_base), "application/json", PAGE_AGE_S)
        self.interactive = _html(environment.get_template("reference.html").render())
        self.errors = _html(environment.get_template("errors.html").render(text=text))
        self.assets = {name: _asset(folder / name) for name, folder in ASSETS.items()}


def openapi_of(api_base: str) -> bytes:
    """The checked-in document, for the API at `api_base`."""
    document: dict[str, Any] = json.loads((PACKAGE / "openapi.json").read_text("utf-8"))
    return json.dumps({**document, "servers": [{"url": api_base.rstrip("/")}]}, ensure_ascii=False).encode()


def rendered(markdown: str) -> str:
    """HTML, in which each heading is the anchor of its own text."""
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown)
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", text.content)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _html(text: str) -> Page:
    return _page(text.encode(), HTML, PAGE_AGE_S, {"content-security-policy": POLICY, "referrer-policy": "no-referrer"})


def _asset(path: Path) -> Page:
    return _page(path.read_bytes(), MEDIA_TYPES[path.suffix], ASSET_AGE_S)


def _page(body: bytes, media_type: str, age_s: int, headers: Mapping[str, str] | None = None) -> Page:
    return Page(
        body,
        {
            "content-type": media_type,
            "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "cache-control": f"public, max-age={age_s}",
            "x-content-type-options": "nosniff",
            **(headers or {}),
        },
    )
