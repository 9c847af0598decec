"""Every answer of an application keeps the promises on errors and request ids. No network: ASGI in process."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field, SecretStr

from codeqr_common import errors
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import internal_app


class Body(BaseModel):
    url: str = Field(max_length=10)


router = APIRouter()


@router.post("/things")
async def make(body: Body) -> dict[str, str]:
    return {"url": body.url}


@router.get("/things")
async def things(page: int = 1) -> list[int]:
    return [page]


@router.get("/things/all")
async def all_things() -> int:
    return 0


@router.api_route("/things/{id}", methods=["PATCH", "DELETE"])
async def change(id: int) -> int:
    return id


@router.get("/things/{id}")
async def thing(id: int) -> int:
    return id


@router.get("/taken")
async def taken() -> None:
    raise errors.conflict("This key is taken.")


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("a secret of ours")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app("test", routers=[router], body_limit=100))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as one:
        yield one


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "doc_url"}
    assert body["error"]["doc_url"].endswith("#" + body["error"]["code"])
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, body["error"]["code"], body["error"]["message"]


async def test_unknown_path(client: httpx.AsyncClient) -> None:
    assert error_of(await client.get("/nowhere")) == (404, "not_found", "There is nothing at /nowhere.")


async def test_unknown_method_names_all_that_are_offered(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/things")
    assert error_of(answer)[:2] == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"
    assert (await client.post("/things/1")).headers["allow"] == "DELETE, GET, PATCH"
    assert (await client.post("/things/all")).headers["allow"] == "GET"


async def test_a_body_that_is_no_json_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", content=b"{nope", headers={"content-type": "application/json"})
    assert error_of(answer)[:2] == (400, "bad_request")


async def test_no_body_is_400(client: httpx.AsyncClient) -> None:
    assert error_of(await client.post("/things"))[:2] == (400, "bad_request")


async def test_another_content_type_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", content=b'{"url":"x"}', headers={"content-type": "text/plain"})
    assert error_of(answer)[:2] == (400, "bad_request")


async def test_a_wrong_value_is_422_with_its_path(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", json={"url": "x" * 11})
    status, code, message = error_of(answer)
    assert (status, code) == (422, "unprocessable_entity")
    assert message == "url: string should have at most 10 characters"
    assert error_of(await client.get("/things?page=x"))[2].startswith("page: ")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_400(client: httpx.AsyncClient, declared: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10

    content = b"x" * 200 if declared else pieces()
    answer = await client.post("/things", content=content, headers={"content-type": "application/json"})
    assert error_of(answer) == (400, "bad_request", "The body is larger than 100 bytes.")


async def test_our_own_errors(client: httpx.AsyncClient) -> None:
    assert error_of(await client.get("/taken")) == (409, "conflict", "This key is taken.")


async def test_a_fault_of_ours_is_500_with_the_request_id_and_no_internals(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken", headers={"x-request-id": "mine-1"})
    status, code, message = error_of(answer)
    assert (status, code) == (500, "internal_server_error")
    assert "mine-1" in message
    assert "secret" not in answer.text


@pytest.mark.parametrize("given", ["abc-1.2_3", "x" * 128])
async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/nowhere", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "ä".encode()])
async def test_an_insane_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/things", headers={"x-request-id": given})
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert answer.headers["x-request-id"].count("-") == 4


async def test_an_internal_listener_needs_the_token() -> None:
    app = internal_app("internal", SecretStr("t0ken"), [router])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for header in ({}, {"authorization": "Internal wrong"}, {"authorization": "Bearer t0ken"}):
            assert error_of(await client.get("/things", headers=header))[:2] == (401, "unauthorized")
        answer = await client.get("/things", headers={"authorization": "Internal t0ken"})
        assert answer.json() == [1]


async def test_requests_are_measured_by_route(client: httpx.AsyncClient) -> None:
    def seen() -> float:
        labels = {"listener": "test", "method": "GET", "route": "/things/{id}", "status": "200"}
        return REGISTRY.get_sample_value("codeqr_http_request_duration_seconds_count", labels) or 0

    before = seen()
    await client.get("/things/1")
    await client.get("/things/2")
    assert seen() == before + 2
