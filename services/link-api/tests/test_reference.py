"""The reference's pages, and the one document of all services."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from codeqr_common import errors
from codeqr_common.auth.keys import SCOPES
from codeqr_common.http.app import create_app
from codeqr_common.http.openapi import hidden_paths, merged, written
from link_api.keys.powers import PRESETS
from link_api.reference.endpoints import router
from link_api.reference.pages import Reference
from link_api.reference.part import application, part

API = "https://api.example"
SERVICES = Path(__file__).parents[2]
CHECKED_IN = SERVICES / "link-api/openapi.json"
WHOLE = SERVICES / "link-api/link_api/reference/openapi.json"


@pytest.fixture
def api() -> httpx.AsyncClient:
    app = create_app("reference", routers=[router])
    app.state.reference = Reference(API)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=API)


def test_the_checked_in_part_is_what_the_code_gives() -> None:
    assert CHECKED_IN.read_text("utf-8") == written(part()), "run `make openapi`"


def test_every_route_is_shown() -> None:
    assert hidden_paths(application()) == {"/docs/assets/{name}"}


def test_the_whole_document_is_the_services_parts_merged() -> None:
    files = [SERVICES / service / "openapi.json" for service in ("link-api", "analytics", "webhooks")]
    parts: list[dict[str, Any]] = [json.loads(file.read_text("utf-8")) for file in files]
    assert WHOLE.read_text("utf-8") == written(merged(*parts)), "run `make openapi`"


def test_the_whole_document_names_no_host_of_ours() -> None:
    document = json.loads(WHOLE.read_text("utf-8"))
    assert "servers" not in document
    assert not re.search(r"127\.0\.0\.1|localhost", WHOLE.read_text("utf-8"))


def test_every_operation_and_field_is_explained() -> None:
    document = json.loads(WHOLE.read_text("utf-8"))
    silent = [path for path, node in walk(document) if says_nothing(path, node)]
    assert silent == []
    assert "contract" not in WHOLE.read_text("utf-8").lower()


def test_every_example_is_one() -> None:
    document = json.loads(WHOLE.read_text("utf-8"))
    shown = 0
    for path, media in walk(document):
        if "content" not in path[-2:-1] or "schema" not in media:
            continue
        schema = {**media["schema"], "components": document["components"]}
        examples = [each["value"] for each in media.get("examples", {}).values()]
        examples += [media["example"]] if "example" in media else []
        for example in examples:
            jsonschema.validate(example, schema, format_checker=jsonschema.FormatChecker())
            shown += 1
    assert shown > 40


def test_every_scope_is_named() -> None:
    fields = json.loads(CHECKED_IN.read_text("utf-8"))["components"]["schemas"]["CreateToken"]["properties"]
    listed, joined, _ = fields["scopes"]["anyOf"]
    assert set(listed["items"]["enum"]) == {*SCOPES, *PRESETS}
    assert all(re.search(joined["pattern"], scope) for scope in (*SCOPES, *PRESETS))


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of the document, with where it is."""
    if isinstance(node, dict):
        yield path, node
        for name, inner in node.items():
            yield from walk(inner, (*path, name))


def says_nothing(path: tuple[str, ...], node: dict[str, Any]) -> bool:
    """An operation without a summary; a parameter, an answer or a named schema or its field without a description."""
    if path[:1] == ("paths",) and len(path) == 3:
        parameters = [each for each in node.get("parameters", ()) if "$ref" not in each]
        return not node.get("summary") or any("description" not in each for each in parameters)
    if path[:2] == ("components", "schemas"):
        return (len(path) == 3 or (len(path) == 5 and path[3] == "properties")) and "description" not in node
    return False


async def test_the_document_is_served_with_the_address_of_this_api(api: httpx.AsyncClient) -> None:
    answer = await api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    served = answer.json()
    assert served.pop("servers") == [{"url": API}]
    assert served == json.loads(WHOLE.read_text("utf-8"))


async def test_every_error_code_has_its_anchor(api: httpx.AsyncClient) -> None:
    page = (await api.get("/docs/errors")).text
    anchors = set(re.findall(r'<h\d id="([^"]+)"', page))
    assert errors.STATUS.keys() <= anchors
    for code, status in errors.STATUS.items():
        assert f"Status {status}." in page.partition(f'id="{code}"')[2].partition("<h2")[0]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/errors", "/docs/assets/swagger-ui-bundle.js"])
async def test_pages_are_answered_once(api: httpx.AsyncClient, path: str) -> None:
    first = await api.get(path)
    assert first.status_code == 200
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert first.headers["x-content-type-options"] == "nosniff"
    again = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = await api.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200
    head = await api.head(path)
    assert (head.status_code, head.headers["etag"]) == (200, first.headers["etag"])


async def test_pages_may_load_from_their_own_host_only(api: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs/errors"):
        answer = await api.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert loaded
        assert all(url.startswith(("/", "#")) for url in loaded)
        assert "<title>" in answer.text
        assert "CodeQR API" in answer.text


@pytest.mark.parametrize("path", ["/docs/", "/docs/other", "/docs/assets/other.js", "/docs/assets/..%2fpages.py"])
async def test_what_is_not_there_is_an_error_in_the_envelope(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
