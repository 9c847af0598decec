"""The published examples (`examples.json`), each replayed as it is written by a project of its own.

Only the key is put in, and a real id wherever an example has one that stands for the reader's own.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import zxingcpp
from PIL import Image

from answers import LINK, MASK, link_of, ok, refused
from running import Project, Stack

EXAMPLES: dict[str, dict[str, Any]] = {
    example["name"]: example for example in json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))
}
RANDOM_KEY = re.compile("[a-hjkmnp-z2-9]{7}")
CAMEL = {
    "external_id": "externalId",
    "do_index": "doIndex",
    "expires_at": "expiresAt",
    "expired_url": "expiredUrl",
    "public_stats": "publicStats",
    "tag_names": "tagNames",
}
NOT_SHOWN = ("tagId", "tagIds", "tagNames", "prefix")
UNSET = {
    **{name: None for name, is_right in LINK.items() if is_right(None)},
    **{name: False for name, is_right in LINK.items() if is_right(False)},
    **dict.fromkeys(("clicks", "leads", "sales", "saleAmount"), 0),
    "webhookIds": [],
}
"""What the fields are of which an example says nothing."""
SAMPLE_ID = "link_eBKA4MT44XnI17hYLchkjUOd"


class Replay:
    """Sends examples in the name of one project, whose domain is its own: some examples share a key."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.project: Project = stack.new_project()
        self.domain = f"{self.project.slug}.example"
        ok(self.api.post("/domains", json={"slug": self.domain, "primary": True}))

    @property
    def api(self) -> httpx.Client:
        return self.project.api

    def send(self, name: str, real: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to an example, whose status is as promised. `real`: what to put for the ids that it invents."""
        example = EXAMPLES[name]
        path, body = example["path_with_query"], json.dumps(example["body"], ensure_ascii=False)
        for invented, own in (real or {}).items():
            path, body = path.replace(invented, own), body.replace(f'"{invented}"', f'"{own}"')
        headers = dict(example["headers"])
        if "Authorization" in headers:
            headers["Authorization"] = f"Bearer {self.project.api_key}"
        content = None if example["body"] is None else body.encode()
        with httpx.Client(base_url=self.stack.api_url, timeout=15) as caller:
            answer = caller.request(example["method"], path, headers=headers, content=content)
        assert answer.request.url.raw_path.decode() == path
        assert answer.status_code == example["expected_status"], answer.text
        return answer

    def check_made(self, link: Any, body: Mapping[str, Any], *, bulk: bool = False) -> dict[str, Any]:
        """That `link` is what this body makes, nothing less and nothing else, and that it is kept."""
        link_of(link)
        wanted = UNSET | shown(body) | ({"proxy": False} if bulk else {})
        wanted.setdefault("domain", self.domain)
        wanted |= {"projectId": self.project.id, "tagId": link["tagId"]}
        made_up = ("id", "userId", "key", "shortLink", "qrCode", "tags", "createdAt", "updatedAt")
        assert link == {**{name: link[name] for name in made_up}, **wanted}
        assert "key" in wanted or RANDOM_KEY.fullmatch(link["key"])
        assert [tag["name"] for tag in link["tags"]] == tags_of(body)
        assert link["createdAt"] == link["updatedAt"]
        assert ok(self.api.get(f"/links/{link['id']}")) == link
        return dict(link)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body as the link object has them."""
    found = {CAMEL.get(name, name): value for name, value in body.items()}
    if found.get("password"):
        found["password"] = MASK
    if found.get("expiresAt"):
        found["expiresAt"] = found["expiresAt"].replace("Z", ".000Z")
    return {name: value for name, value in found.items() if name not in NOT_SHOWN}


def tags_of(body: Mapping[str, Any]) -> list[str]:
    """The names of the tags that a body asks for; what is no id of a tag is a name."""
    found: list[str] = []
    for name in ("tagIds", "tagNames", "tag_names"):
        given = body.get(name) or []
        found += given.split(",") if isinstance(given, str) else given
    return found


def creation(replay: Replay, name: str) -> None:
    replay.check_made(ok(replay.send(name)), EXAMPLES[name]["body"])


def bulk_creation(replay: Replay, name: str) -> None:
    answered = ok(replay.send(name))
    for link, body in zip(answered, EXAMPLES[name]["body"], strict=True):
        replay.check_made(link, body, bulk=True)


def bulk_creation_on_a_domain(replay: Replay, name: str) -> None:
    domain = EXAMPLES[name]["body"][0]["domain"]
    ok(replay.api.post("/domains", json={"slug": domain}))
    try:
        bulk_creation(replay, name)
    finally:
        ids = ",".join(link["id"] for link in ok(replay.api.get("/links")))
        ok(replay.api.delete("/links/bulk", params={"linkIds": ids}))
        ok(replay.api.delete(f"/domains/{domain}"))


def _three_links(replay: Replay) -> tuple[list[dict[str, Any]], dict[str, str]]:
    links = ok(replay.send("seed-12-bulk-create"))
    return links, {f"link{number}": link["id"] for number, link in enumerate(links, 1)}


def bulk_change(replay: Replay, name: str) -> None:
    before, real = _three_links(replay)
    data = EXAMPLES[name]["body"]["data"]
    after = ok(replay.send(name, real))
    for old, new in zip(before, after, strict=True):
        link_of(new)
        changed = {"utm_source", "utm_medium", "tags", "tagId", "updatedAt"}
        assert {field for field in new if new[field] != old[field]} == changed
        assert (new["utm_source"], new["utm_medium"]) == (data["utm_source"], data["utm_medium"])
        assert [tag["name"] for tag in new["tags"]] == data["tagIds"]
        assert ok(replay.api.get(f"/links/{new['id']}")) == new


def bulk_deletion(replay: Replay, name: str) -> None:
    links, real = _three_links(replay)
    kept = ok(replay.api.post("/links", json={"url": "https://example.com"}))
    assert ok(replay.send(name, real)) == {"deletedCount": 3}
    for link in links:
        refused(replay.api.get(f"/links/{link['id']}"), "not_found")
    assert ok(replay.api.get("/links")) == [kept]
    assert ok(replay.send(name)) == {"deletedCount": 0}


def found_by_external_id(earlier: str) -> Callable[[Replay, str], None]:
    def story(replay: Replay, name: str) -> None:
        made = ok(replay.send(earlier))
        assert ok(replay.send(name)) == link_of(made)

    return story


def listed_by_tenant(replay: Replay, name: str) -> None:
    ok(replay.api.post("/links", json={"url": "https://example.com", "tenantId": "another"}))
    made = ok(replay.send("seed-17-tenant-create"))
    assert ok(replay.send(name)) == [link_of(made)]


def listed_by_tag(replay: Replay, name: str) -> None:
    assert ok(replay.send(name)) == []
    ok(replay.api.post("/links", json={"url": "https://example.com", "tagNames": "sales"}))
    made = ok(replay.api.post("/links", json={"url": "https://example.com", "tagNames": ["Marketing", "sales"]}))
    assert ok(replay.send(name)) == [link_of(made)]


def listed(replay: Replay, name: str) -> None:
    made = [ok(replay.api.post("/links", json={"url": f"https://example.com/{number}"})) for number in range(3)]
    assert [link_of(link) for link in ok(replay.send(name))] == made[::-1]


def change(replay: Replay, name: str) -> None:
    before = ok(replay.api.post("/links", json={"url": "https://example.com", "title": "Before", "comments": "kept"}))
    after = ok(replay.send(name, {SAMPLE_ID: before["id"]}))
    assert after == before | EXAMPLES[name]["body"] | {"updatedAt": link_of(after)["updatedAt"]}
    assert after["updatedAt"] > before["updatedAt"]
    assert ok(replay.api.get(f"/links/{before['id']}")) == after


def upsert(replay: Replay, name: str) -> None:
    made = replay.check_made(ok(replay.send(name)), EXAMPLES[name]["body"])
    again = ok(replay.send(name))
    assert again == made | {"updatedAt": link_of(again)["updatedAt"]}
    assert ok(replay.api.get("/links")) == [again]


def deletion(replay: Replay, name: str) -> None:
    made = ok(replay.api.post("/links", json={"url": "https://example.com"}))
    assert ok(replay.send(name, {SAMPLE_ID: made["id"]})) == {"id": made["id"]}
    refused(replay.api.get(f"/links/{made['id']}"), "not_found")


def no_identifier(replay: Replay, name: str) -> None:
    refused(replay.send(name), "bad_request")


def picture_of(content: str) -> Callable[[Replay, str], None]:
    def story(replay: Replay, name: str) -> None:
        answer = replay.send(name)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["access-control-allow-origin"] == "*"
        image = Image.open(io.BytesIO(answer.content))
        assert image.size == (600, 600)
        assert [code.text for code in zxingcpp.read_barcodes(image.convert("RGB"))] == [content]

    return story


def user_info(replay: Replay, name: str) -> None:
    info = ok(replay.send(name))
    assert set(info) == {"id", "name", "project"}
    assert set(info["project"]) == {"id", "slug", "name", "plan"}
    assert (info["project"]["id"], info["project"]["slug"]) == (replay.project.id, replay.project.slug)
    assert info["id"] == ok(replay.api.post("/links", json={"url": "https://example.com"}))["userId"]


STORIES: dict[str, Callable[[Replay, str], None]] = {
    "seed-12-bulk-create": bulk_creation,
    "seed-13-bulk-update": bulk_change,
    "seed-14-bulk-delete": bulk_deletion,
    "seed-16-external-id-info": found_by_external_id("seed-15-external-id-create"),
    "seed-18-tenant-list": listed_by_tenant,
    "seed-20-tag-list": listed_by_tag,
    "seed-27-update": change,
    "seed-28-upsert": upsert,
    "seed-29-delete": deletion,
    "seed-30-qr-image": picture_of("https://codeqr.link/site?qr=1"),
    "docs-org-info": found_by_external_id("docs-org-create"),
    "docs-link-info-no-query": no_identifier,
    "docs-links-list": listed,
    "docs-bulk-create": bulk_creation_on_a_domain,
    "repo-qr-image-encoded": picture_of("https://codeqr.link/site"),
    "repo-userinfo": user_info,
}
"""What is around an example and what must come of it; the others create a link each."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_works_as_it_is_written(stack: Stack, name: str) -> None:
    STORIES.get(name, creation)(Replay(stack), name)


@pytest.mark.parametrize("name", ["seed-10-cloaking", "seed-12-bulk-create", "seed-15-external-id-create"])
def test_the_same_example_again_is_a_conflict_that_changes_nothing(stack: Stack, name: str) -> None:
    replay = Replay(stack)
    replay.send(name)
    before = ok(replay.api.get("/links"))
    example = EXAMPLES[name]
    again = replay.api.request(example["method"], example["path_with_query"], json=example["body"])
    if isinstance(example["body"], list):
        found = ok(again)
        assert [failed["link"] for failed in found] == example["body"]
        assert {(failed["code"], *sorted(failed)) for failed in found} == {("conflict", "code", "error", "link")}
    else:
        refused(again, "conflict")
    assert ok(replay.api.get("/links")) == before
