"""The gate before routes: who may pass, what every answer says of the limit, and in which order things are refused."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

import httpx
import msgspec
import pytest
from fastapi import APIRouter, Depends
from pydantic import BaseModel
from redis.asyncio import Redis

from codeqr_common import errors
from codeqr_common.auth.gate import Gate
from codeqr_common.auth.keys import KeyIdentity, hash_key
from codeqr_common.auth.limits import RateLimiter
from codeqr_common.auth.requests import require, writing
from codeqr_common.auth.usage import KeyUsage
from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.http.app import create_app
from codeqr_common.http.calls import WriteCall
from codeqr_common.redis import ScriptBatch

IDENTITY = KeyIdentity("tok_1", "proj_1", "mine", "user_1", ("things.read", "things.write"), 0)
KEYS = {
    "codeqr_free": IDENTITY,
    "codeqr_limited": msgspec.structs.replace(IDENTITY, key_id="tok_2", rate_limit=3),
    "codeqr_reader": msgspec.structs.replace(IDENTITY, key_id="tok_3", scopes=("things.read",), rate_limit=50),
    "codeqr_pk_page": msgspec.structs.replace(IDENTITY, key_id="tok_4", publishable=True, scopes=("things.read",)),
}
LIMIT_HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
ANSWERS = {
    ("GET", "/things", ""): 200,
    ("GET", "/things/none", ""): 404,
    ("GET", "/things?page=x", ""): 422,
    ("GET", "/things?projectSlug=other", ""): 403,
    ("POST", "/things", '{"name": "a"}'): 403,
    ("POST", "/things", '{"name": 1}'): 403,
    ("POST", "/things", "{nope"): 403,
    ("GET", "/broken", ""): 500,
}
router = APIRouter()


class Thing(BaseModel):
    name: str


@router.get("/things")
async def things(identity: Annotated[KeyIdentity, Depends(require("things.read"))], page: int = 1) -> str:
    return identity.key_id


@router.get("/things/none")
async def none(_: Annotated[KeyIdentity, Depends(require("things.read"))]) -> None:
    raise errors.not_found("none")


@router.get("/broken")
async def broken(_: Annotated[KeyIdentity, Depends(require(None))]) -> None:
    raise RuntimeError


@router.post("/things")
async def make(call: Annotated[WriteCall, Depends(writing("things.write"))], body: Thing) -> dict[str, str | None]:
    return {"name": body.name, "key": call.repeatable and call.repeatable.key}


async def load(key_hash: str) -> KeyIdentity | None:
    return {hash_key(key): identity for key, identity in KEYS.items()}.get(key_hash)


async def report(_: Mapping[str, int]) -> None:
    return


@pytest.fixture
def usage() -> KeyUsage:
    return KeyUsage(report)


@pytest.fixture
async def client(redis: Redis, usage: KeyUsage) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("test", routers=[router], body_limit=100)
    app.state.gate = Gate(KeyVerifier(redis, load), RateLimiter(ScriptBatch(redis)), usage)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as one:
        yield one


def key(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic codeqr_free", "Bearer codeqr_unknown"])
async def test_without_a_valid_key_nobody_passes(client: httpx.AsyncClient, header: str | None) -> None:
    answer = await client.get("/things", headers={} if header is None else {"authorization": header})
    assert (answer.status_code, code(answer), answer.headers["www-authenticate"]) == (401, "unauthorized", "Bearer")
    assert not LIMIT_HEADERS & set(answer.headers)


@pytest.mark.parametrize(("call", "status"), ANSWERS.items())
async def test_every_answer_to_a_valid_key_has_the_headers(
    client: httpx.AsyncClient, call: tuple[str, str, str], status: int
) -> None:
    method, path, body = call
    headers = {**key("codeqr_reader"), "content-type": "application/json"}
    answer = await client.request(method, path, content=body, headers=headers)
    assert answer.status_code == status
    assert set(answer.headers) >= LIMIT_HEADERS
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("50", "49")


@pytest.mark.parametrize("body", ['{"name": "a"}', "{nope", '{"name": 1}', '{"name": "' + 200 * "x" + '"}'])
async def test_a_stranger_is_told_nothing_of_the_body(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post("/things", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, code(answer)) == (401, "unauthorized")


async def test_a_body_that_is_no_json_is_counted_like_any_other(client: httpx.AsyncClient, usage: KeyUsage) -> None:
    headers = {**key("codeqr_limited"), "content-type": "application/json"}
    answers = [await client.post("/things", content="{nope", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert usage.waiting == {"tok_2": 4}


async def test_a_key_without_a_limit_has_no_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things", headers=key("codeqr_free"))
    assert answer.status_code == 200
    assert not LIMIT_HEADERS & set(answer.headers)


async def test_over_the_limit(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/things", headers=key("codeqr_limited")) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert code(refused) == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert set(refused.headers) >= LIMIT_HEADERS


async def test_a_missing_scope_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", json={"name": "a"}, headers=key("codeqr_reader"))
    assert (answer.status_code, code(answer)) == (403, "forbidden")
    assert "things.write" in answer.json()["error"]["message"]


async def test_a_publishable_key_may_not_even_read(client: httpx.AsyncClient) -> None:
    assert (await client.get("/things", headers=key("codeqr_pk_page"))).status_code == 403


@pytest.mark.parametrize("name", ["projectSlug", "project_slug"])
async def test_the_slug_is_checked_when_it_is_given(client: httpx.AsyncClient, name: str) -> None:
    for slug, status in (("mine", 200), ("other", 403), ("", 403)):
        answer = await client.get("/things", params={name: slug}, headers=key("codeqr_free"))
        assert answer.status_code == status, slug
    both = await client.get(f"/things?{name}=mine&{name}=other", headers=key("codeqr_free"))
    assert both.status_code == 403


@pytest.mark.parametrize(("idempotency_key", "status"), [("x", 200), ("x" * 255, 200), ("x" * 256, 422), ("", 422)])
async def test_an_idempotency_key_has_1_to_255_characters(
    client: httpx.AsyncClient, idempotency_key: str, status: int
) -> None:
    headers = {**key("codeqr_free"), "idempotency-key": idempotency_key}
    answer = await client.post("/things", json={"name": "a"}, headers=headers)
    assert answer.status_code == status
    assert answer.json().get("key") == (idempotency_key if status == 200 else None)
