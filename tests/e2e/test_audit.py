"""Who changed what: `/audit`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from running import Project, Stack

FIELDS = {"id", "at", "action", "resourceId", "keyId", "keyName", "userId", "userName", "requestId"}


@pytest.fixture(scope="module")
def project(stack: Stack) -> Project:
    return stack.new_project("audit")


def entries(api: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = api.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def actions(api: httpx.Client, **query: Any) -> list[tuple[str, str]]:
    return [(entry["action"], entry["resourceId"]) for entry in entries(api, **query)]


def in_words(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_every_change_of_a_key_is_noted(stack: Stack, project: Project) -> None:
    key_id = project.api.post("/tokens", json={"name": "noted", "scopes": "read"}).json()["id"]
    path = f"/tokens/{key_id}"
    project.api.patch(path, json={"name": "changed"}).raise_for_status()
    project.api.post(f"{path}/rotate").raise_for_status()
    project.api.delete(path).raise_for_status()
    kinds = ("token.revoked", "token.rotated", "token.updated", "token.created")
    assert actions(project.api, resourceId=key_id) == [(kind, key_id) for kind in kinds]


@pytest.mark.parametrize(
    ("kind", "path", "body", "change"),
    [
        ("tag", "/tags", {"name": "audited"}, {"color": "red"}),
        ("link", "/links", {"url": "https://example.com/audited"}, {"title": "Audited"}),
        ("domain", "/domains", {"slug": "audited.example"}, {"placeholder": "https://example.com"}),
    ],
)
def test_changes_of_resources_are_noted(
    project: Project, kind: str, path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    made = project.api.post(path, json=body, headers={"X-Request-Id": f"making-a-{kind}"}).raise_for_status().json()
    one = f"{path}/{made['slug' if kind == 'domain' else 'id']}"
    project.api.patch(one, json=change).raise_for_status()
    project.api.delete(one).raise_for_status()
    found = entries(project.api, resourceId=made["id"])
    kinds = [entry["action"] for entry in found if entry["action"] != "domain.verified"]
    assert kinds == [f"{kind}.deleted", f"{kind}.updated", f"{kind}.created"]
    first = found[-1]
    assert set(first) == FIELDS
    assert first["requestId"] == f"making-a-{kind}"
    assert first["id"].startswith("aud_")
    assert abs(datetime.fromisoformat(first["at"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_who_did_it(stack: Stack, project: Project) -> None:
    token = project.api.post("/tokens", json={"name": "The doer", "scopes": "all", "rateLimit": 0}).json()
    tag = stack.client(token["token"]).post("/tags", json={"name": "done by"}).json()
    (entry,) = entries(project.api, keyId=token["id"])
    assert (entry["action"], entry["resourceId"]) == ("tag.created", tag["id"])
    assert (entry["keyName"], entry["userId"]) == ("The doer", token["userId"])
    assert entry["userName"]
    project.api.delete(f"/tokens/{token['id']}")
    (again,) = entries(project.api, keyId=token["id"])
    assert again == entry, "revoking the key takes nothing away"


def test_what_did_not_happen_is_not_noted(project: Project) -> None:
    before = entries(project.api)
    assert project.api.post("/tags", json={"name": ""}).status_code == 422
    assert project.api.post("/tokens", json={"name": "a", "scopes": "root"}).status_code == 422
    assert project.api.delete("/tokens/tok_none").status_code == 404
    assert entries(project.api) == before


def test_filters(stack: Stack) -> None:
    project = stack.new_project("audit filters")
    tags = [project.api.post("/tags", json={"name": f"tag {number}"}).json()["id"] for number in range(3)]
    began = datetime.now(UTC)
    key_id = project.api.post("/tokens", json={"name": "a", "scopes": "read"}).json()["id"]
    assert actions(project.api, action="tag.created") == [("tag.created", tag) for tag in reversed(tags)]
    assert actions(project.api, resource_id=tags[1]) == [("tag.created", tags[1])]
    assert actions(project.api, action="tag.created", resourceId=key_id) == []
    at = entries(project.api, resourceId=key_id)[0]["at"]
    assert ("token.created", key_id) in actions(project.api, since=at)
    assert ("token.created", key_id) not in actions(project.api, until=at), "the end is left out"
    assert ("tag.created", tags[0]) in actions(project.api, until=at)
    assert actions(project.api, since=in_words(began + timedelta(days=1))) == []
    assert actions(project.api, until="1970-01-01T00:00:00Z") == []
    assert len(actions(project.api, since="0001-01-01T00:00:00Z", until="8000-01-01T00:00:00Z")) >= 4
    for wrong in ({"since": "yesterday"}, {"until": "12"}, {"page": 0}, {"action": "a\x00"}):
        assert project.api.get("/audit", params=wrong).status_code == 422, wrong


def test_pages(stack: Stack) -> None:
    project = stack.new_project("audit pages")
    for number in range(5):
        project.api.post("/tags", json={"name": f"tag {number}"}).raise_for_status()
    ids = [entry["id"] for entry in entries(project.api, action="tag.created")]
    assert ids == sorted(ids, reverse=True)

    def page(**query: Any) -> list[str]:
        return [entry["id"] for entry in entries(project.api, action="tag.created", **query)]

    assert [page(page=1, pageSize=2), page(page=3, pageSize=2)] == [ids[:2], ids[4:]]
    assert page(startingAfter=ids[1], pageSize=2) == ids[2:4]
    assert page(endingBefore=ids[3], pageSize=2) == ids[1:3]


def test_a_project_sees_its_own(stack: Stack, project: Project) -> None:
    tag = project.api.post("/tags", json={"name": "private"}).json()["id"]
    stranger = stack.new_project("audit stranger").api
    assert actions(stranger, resourceId=tag) == []
    assert tag not in stranger.get("/audit").text


def test_the_scope_is_projects_read(stack: Stack, project: Project) -> None:
    def client(scopes: str) -> httpx.Client:
        token = project.api.post("/tokens", json={"name": "scoped", "scopes": scopes, "rateLimit": 0}).json()["token"]
        return stack.client(token)

    assert client("projects.read").get("/audit").status_code == 200
    refused = client("tokens.read,tags.read").get("/audit")
    assert refused.status_code == 403
    assert "projects.read" in refused.text
