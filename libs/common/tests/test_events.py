"""Golden files hold an event of every version ever written; the newest code reads them all."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from codeqr_common.events import clicks, links
from codeqr_common.events.clicks import ClickEvent, decode_click
from codeqr_common.events.documents import documents, schema
from codeqr_common.events.links import (
    DomainEvent,
    LinkEvent,
    ProjectEvent,
    decode_event,
    decode_link_event,
    decode_project_event,
)

GOLDEN = Path(__file__).parent / "golden"
DOCUMENTS = Path(__file__).parents[3] / "docs" / "events"
LINK_FILES = sorted(GOLDEN.glob("link.*.json"))
DOMAIN_FILES = sorted(GOLDEN.glob("domain.*.json"))
PROJECT_FILES = sorted(GOLDEN.glob("project.*.json"))
CLICK_FILES = sorted(GOLDEN.glob("click.*.json"))


@pytest.mark.parametrize("path", LINK_FILES + DOMAIN_FILES, ids=lambda path: path.stem)
def test_link_events_of_every_version_are_read(path: Path) -> None:
    event = decode_link_event(path.read_bytes())
    assert isinstance(event, LinkEvent if path in LINK_FILES else DomainEvent)
    assert path.name.startswith(event.type)
    assert json.loads(links.encode(event)) == json.loads(path.read_bytes())


@pytest.mark.parametrize("path", PROJECT_FILES, ids=lambda path: path.stem)
def test_project_events_of_every_version_are_read(path: Path) -> None:
    event = decode_project_event(path.read_bytes())
    assert isinstance(event, ProjectEvent)
    assert path.name.startswith(event.type)
    assert json.loads(links.encode(event)) == json.loads(path.read_bytes())
    assert decode_event(path.read_bytes()) == event


def test_readers_of_links_and_of_projects_leave_each_others_events_out() -> None:
    assert all(decode_link_event(path.read_bytes()) is None for path in PROJECT_FILES)
    for path in LINK_FILES + DOMAIN_FILES:
        assert decode_project_event(path.read_bytes()) is None
        assert decode_event(path.read_bytes()) == decode_link_event(path.read_bytes())


@pytest.mark.parametrize("path", CLICK_FILES, ids=lambda path: path.stem)
def test_click_events_of_every_version_are_read(path: Path) -> None:
    event = decode_click(path.read_bytes())
    assert isinstance(event, ClickEvent)
    assert json.loads(clicks.encode(event)) == json.loads(path.read_bytes())


def test_every_event_type_has_a_golden_file() -> None:
    types = {path.name.rsplit(".", 2)[0] for path in GOLDEN.glob("*.json")}
    assert {f"link.{what}" for what in ("created", "updated", "deleted")} <= types
    assert {f"domain.{what}" for what in ("created", "updated", "deleted")} <= types
    assert {"project.deleted", "click"} <= types


def test_a_field_added_later_is_ignored() -> None:
    grown = json.loads(CLICK_FILES[0].read_bytes()) | {"addedLater": {"a": 1}}
    assert decode_click(json.dumps(grown).encode()) == decode_click(CLICK_FILES[0].read_bytes())


def test_an_event_type_added_later_is_no_error() -> None:
    assert decode_event(b'{"type": "project.renamed", "anything": 1}') is None


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b"\xff", b'{"type":"link.created"}', b'{"type":"project.deleted"}', b'{"type": 7}']
)
def test_what_is_no_event_raises(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_event(value)


@pytest.mark.parametrize(
    ("name", "path"),
    [(path.name.split(".")[0], path) for path in LINK_FILES + DOMAIN_FILES + PROJECT_FILES + CLICK_FILES],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_golden_files_satisfy_the_published_schema(name: str, path: Path) -> None:
    jsonschema.Draft202012Validator(schema(name)).validate(json.loads(path.read_bytes()))


def test_checked_in_documents_are_those_of_the_code() -> None:
    on_disk = {path.name: path.read_bytes() for path in DOCUMENTS.glob("*.json")}
    assert on_disk == documents(), "run: python -m codeqr_common.events.documents docs/events"
