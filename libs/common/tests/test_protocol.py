"""Requests that are slow, large or none, at a listener of ours."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import APIRouter, Request
from prometheus_client import REGISTRY

from codeqr_common.http import middleware, protocol
from codeqr_common.http.app import create_app

router = APIRouter()
LIMIT_S = 0.3
ENDS_S = 5.0


@router.post("/size")
async def size(request: Request) -> int:
    return len(await request.body())


@router.post("/unread")
async def unread() -> str:
    return "answered"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A listener whose limits are short."""
    for module, name in ((protocol, "HEAD_S"), (protocol, "BODY_S"), (middleware, "BODY_S"), (protocol, "GRACE_S")):
        monkeypatch.setattr(module, name, LIMIT_S)
    config = uvicorn.Config(
        create_app("t", routers=[router]), http=protocol.LimitedHttp, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    sock = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    yield sock.getsockname()[1]
    server.should_exit = True
    await task


async def answer_to(port: int, *pieces: bytes, every_s: float = 0.0, keeps_sending: bytes = b"") -> bytes:
    """All that comes back until the connection ends; fails when it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(ENDS_S):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(every_s)
            dribbling = asyncio.create_task(dribble(writer, keeps_sending)) if keeps_sending else None
            found = await reader.read()
            if dribbling:
                dribbling.cancel()
            return found
    finally:
        writer.close()


async def dribble(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await asyncio.sleep(LIMIT_S / 10)


def is_bad_request(answer: bytes, message: str) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    return (
        head.startswith(b"HTTP/1.1 400 ")
        and b"\r\nx-request-id: " in head.lower()
        and b'"code":"bad_request"' in body
        and message.encode() in body
    )


async def test_a_connection_on_which_nothing_comes_is_closed(port: int) -> None:
    assert await answer_to(port) == b""


async def test_headers_that_dribble_in_are_refused(port: int) -> None:
    answer = await answer_to(port, b"POST /size HTTP/1.1\r\nHost: a\r\nX-A: ", keeps_sending=b"a")
    assert is_bad_request(answer, protocol.TOO_LATE)


async def test_headers_of_a_later_request_that_dribble_in_are_refused(port: int) -> None:
    whole = b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    answer = await answer_to(port, whole, b"POST /size HTTP/1.1\r\nX-A: ", keeps_sending=b"a")
    first, _, second = answer.partition(b"HTTP/1.1 400 ")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert is_bad_request(b"HTTP/1.1 400 " + second, protocol.TOO_LATE)


async def test_a_body_that_dribbles_in_is_refused_and_its_connection_closed(port: int) -> None:
    head = b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    assert is_bad_request(await answer_to(port, head, keeps_sending=b"a"), "The body took too long to arrive.")


async def test_a_body_that_nobody_reads_does_not_keep_its_connection(port: int) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    assert (await answer_to(port, head, keeps_sending=b"a")).startswith(b"HTTP/1.1 200 ")


async def test_a_body_in_pieces_is_whole(port: int) -> None:
    head = b"POST /size HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n"
    answer = await answer_to(port, head, b"a", b"b", b"c", every_s=LIMIT_S / 10)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n3")


async def test_headers_without_end_are_refused(port: int) -> None:
    pieces = [b"POST /size HTTP/1.1\r\nHost: a\r\nX-A: ", *[b"a" * 40_000] * 2]
    assert is_bad_request(await answer_to(port, *pieces, every_s=0.01), protocol.TOO_LARGE)


@pytest.mark.parametrize(
    "request_",
    [
        b"no http at all\r\n\r\n",
        b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
async def test_what_is_no_http_is_answered_in_the_envelope(port: int, request_: bytes) -> None:
    answer = await answer_to(port, request_)
    assert b'"code":"bad_request"' in answer
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_caller_that_goes_in_the_middle_is_no_fault_of_ours(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
    await writer.drain()
    writer.close()
    async with asyncio.timeout(ENDS_S):
        while not requests("0"):  # noqa: ASYNC110 - a counter is polled
            await asyncio.sleep(0.01)
    assert requests("500") == 0


def requests(status: str) -> float:
    """Those to `/size` that ended with this status; 0 is none."""
    labels = {"listener": "t", "method": "POST", "route": "/size", "status": status}
    return REGISTRY.get_sample_value("codeqr_http_request_duration_seconds_count", labels) or 0
