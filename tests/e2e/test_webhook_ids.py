"""Webhooks that links name must be there (contract 2.2), which only the webhooks service knows."""

import os
import signal

import pytest

from answers import link_of, ok, refused
from running import Project, Stack

UNKNOWN = "wh_0000000000000000000000"


def webhook_of(project: Project) -> str:
    body = {"name": "orders", "url": "http://127.0.0.1:9/", "triggers": ["link.clicked"]}
    return str(ok(project.api.post("/webhooks", json=body))["id"])


def test_a_link_names_webhooks_of_its_project(stack: Stack) -> None:
    project = stack.new_project()
    first, second = webhook_of(project), webhook_of(project)
    link = ok(project.api.post("/links", json={"url": "https://example.com", "webhookIds": [second, first, second]}))
    assert link_of(link)["webhookIds"] == [second, first]
    changed = ok(project.api.patch(f"/links/{link['id']}", json={"webhook_ids": first}))
    assert changed["webhookIds"] == [first]
    assert ok(project.api.patch(f"/links/{link['id']}", json={"webhookIds": None}))["webhookIds"] == []


@pytest.mark.parametrize("webhook_id", [UNKNOWN, "wh_1", "x", "wh_" + "0" * 5000])
def test_an_unknown_webhook_is_refused(stack: Stack, webhook_id: str) -> None:
    project = stack.new_project()
    known = webhook_of(project)
    link = ok(project.api.post("/links", json={"url": "https://example.com", "webhookIds": [known]}))
    body = {"url": "https://example.com/2", "webhookIds": [known, webhook_id]}
    for answer in (
        project.api.post("/links", json=body),
        project.api.put("/links/upsert", json=body),
        project.api.patch(f"/links/{link['id']}", json=body),
        project.api.patch("/links/bulk", json={"linkIds": [link["id"]], "data": {"webhookIds": [webhook_id]}}),
    ):
        message = refused(answer, "unprocessable_entity")
        assert "webhookIds: " in message
        assert len(message) < 200
    failed, made = ok(project.api.post("/links/bulk", json=[body, {"url": "https://example.com/3"}]))
    assert failed["code"] == "unprocessable_entity"
    assert ok(project.api.get("/links")) == [link_of(made), link]


def test_a_webhook_of_another_project_is_unknown(stack: Stack) -> None:
    webhook_id = webhook_of(stack.new_project())
    project = stack.new_project()
    answer = project.api.post("/links", json={"url": "https://example.com", "webhookIds": [webhook_id]})
    assert refused(answer, "unprocessable_entity").startswith("webhookIds: ")
    assert ok(project.api.get("/links")) == []


@pytest.mark.faults
def test_while_webhooks_cannot_be_asked_no_link_names_one(stack: Stack) -> None:
    project = stack.new_project()
    webhook_id = webhook_of(project)
    process = stack.processes()["webhooks"]
    os.kill(process, signal.SIGSTOP)
    try:
        answer = project.api.post("/links", json={"url": "https://example.com", "webhookIds": [webhook_id]})
        refused(answer, "service_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        other = ok(project.api.post("/links", json={"url": "https://example.com/other", "webhookIds": []}))
    finally:
        os.kill(process, signal.SIGCONT)
    assert ok(project.api.get("/links")) == [other]
    named = {"url": "https://example.com", "webhookIds": [webhook_id]}
    stack.wait_until(lambda: project.api.post("/links", json=named).status_code == 200, 30)


def test_of_many_links_those_that_name_unknown_webhooks_fail(stack: Stack) -> None:
    project = stack.new_project()
    known, foreign = webhook_of(project), webhook_of(stack.new_project())
    named = [[known], [foreign], [], [known, UNKNOWN], [known]]
    answers = ok(
        project.api.post("/links/bulk", json=[{"url": "https://example.com", "webhookIds": ids} for ids in named])
    )
    assert [answer.get("code") for answer in answers] == [
        None,
        "unprocessable_entity",
        None,
        "unprocessable_entity",
        None,
    ]
    assert [answer["webhookIds"] for answer in answers if "id" in answer] == [[known], [], [known]]
