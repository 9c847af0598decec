"""The contracts as documents: a JSON Schema for each event and one AsyncAPI document, generated from the structs.

`python -m codeqr_common.events.documents DIRECTORY` writes them; they are checked in under `docs/events/` and held
against the code by a test.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from codeqr_common.events.clicks import ClickEvent
from codeqr_common.events.links import DomainEvent, LinkEvent, ProjectEvent
from codeqr_common.kafka.topics import CLICK_EVENTS, LINK_EVENTS

EVENTS: dict[str, tuple[str, type[msgspec.Struct], str]] = {
    "link": (LINK_EVENTS, LinkEvent, "Something happened to a link. Kafka key: the link's id."),
    "domain": (LINK_EVENTS, DomainEvent, "Something happened to a domain. Kafka key: the domain's id."),
    "project": (LINK_EVENTS, ProjectEvent, "Something happened to a project. Kafka key: the project's id."),
    "click": (CLICK_EVENTS, ClickEvent, "Somebody came through a short link. Kafka key: the link's id."),
}


def schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of one event."""
    _, event, description = EVENTS[name]
    described = msgspec.json.schema(event)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "description": description,
        **described,
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: channels are Kafka topics."""
    topics = sorted({topic for topic, _, _ in EVENTS.values()})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "CodeQR events", "version": "1"},
        "channels": {
            topic: {
                "address": topic,
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"}
                    for name, (where, _, _) in EVENTS.items()
                    if where == topic
                },
            }
            for topic in topics
        },
        "operations": {
            f"receive.{topic}": {"action": "receive", "channel": {"$ref": f"#/channels/{topic}"}} for topic in topics
        },
        "components": {
            "messages": {
                name: {"summary": description, "contentType": "application/json", "payload": {"$ref": f"{name}.json"}}
                for name, (_, _, description) in EVENTS.items()
            }
        },
    }


def documents() -> dict[str, bytes]:
    """File name → content of every document."""
    named = {f"{name}.json": schema(name) for name in EVENTS} | {"asyncapi.json": asyncapi()}
    return {
        name: msgspec.json.format(msgspec.json.encode(content, order="sorted"), indent=2) + b"\n"
        for name, content in named.items()
    }


def main(directory: str) -> None:
    for name, content in documents().items():
        (Path(directory) / name).write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
