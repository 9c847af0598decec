"""Bad HTTP, through the gateway and at the link API's own port: what is malformed, cut short, huge, or never ends."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from answers import ok, unique
from dump import Rows, differences
from prober import Prober
from running import Stack

GATEWAY, LINK_API = 0, 10
DOORS = {"the gateway": GATEWAY, "the link API itself": LINK_API}
ENDS_S = 45.0
"""Every slow request is over by then: headers after 10 s, bodies after 20 s, and some time for a busy machine."""
SERVED_S = 3.0
SLOW_ONES = 150
CRLF = b"\r\n"
BROKEN_OFF = (ConnectionResetError, BrokenPipeError)


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Iterator[Rows]:
    one = Rows(stack.database_url)
    yield one
    one.close()


@pytest.fixture(scope="module")
def prober(stack: Stack, rows: Rows) -> Iterator[Prober]:
    before = stack.processes()
    yield Prober(stack, rows)
    after = stack.processes()
    assert {name: after[name] for name in ("gateway", "link-api")} == {
        name: before[name] for name in ("gateway", "link-api")
    }


@dataclass(frozen=True)
class Raw:
    """An answer as it came. `served`: how many of its status lines are of success, for requests hidden in another."""

    status: int
    headers: dict[str, str]
    body: bytes
    served: int


def parsed(answer: bytes) -> Raw:
    head, _, body = answer.partition(2 * CRLF)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Raw(int(lines[0].split(" ")[1]), headers, body, answer.count(b"HTTP/1.1 2"))


def exchange(port: int, *pieces: bytes, half_close: bool = False) -> Raw | None:
    """Send the pieces and read until the connection ends. None: it ended without an answer."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=ENDS_S) as connection, contextlib.suppress(*BROKEN_OFF):
        for piece in pieces:
            connection.sendall(piece)
        if half_close:
            shut_down(connection)
        while piece := connection.recv(65536):
            received += piece
    return parsed(bytes(received)) if received else None


def shut_down(connection: socket.socket) -> None:
    """Say that nothing more comes; the other side may have closed before."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


def head_of(port: int, key: str, *lines: str, method: str = "POST", path: str = "/links") -> bytes:
    given = (f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {key}", *lines)
    return "\r\n".join(given).encode("latin-1") + 2 * CRLF


def is_refusal(raw: Raw | None, *statuses: int) -> bool:
    """The contract's envelope with one of these statuses, or the end of the connection and nothing else."""
    if raw is None:
        return True
    if raw.status not in statuses or raw.served:
        return False
    found = json.loads(_unchunked(raw))
    return list(found) == ["error"] and sorted(found["error"]) == ["code", "doc_url", "message"]


def _unchunked(raw: Raw) -> bytes:
    if raw.headers.get("transfer-encoding") != "chunked":
        return raw.body
    found, rest = b"", raw.body
    while rest:
        size, _, rest = rest.partition(CRLF)
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


def smuggled(key: str, link_id: str) -> bytes:
    """A request within a body."""
    return head_of(0, key, "Content-Length: 0", method="DELETE", path=f"/links/{link_id}")


LENGTHS: dict[str, tuple[str, ...]] = {
    "two lengths": ("Content-Length: 4", "Content-Length: 5"),
    "two lengths in one": ("Content-Length: 4, 5",),
    "a negative length": ("Content-Length: -4",),
    "a length that is none": ("Content-Length: four",),
    "a signed length": ("Content-Length: +4",),
    "a length in hexadecimal": ("Content-Length: 0x4",),
    "an enormous length": (f"Content-Length: {10**40}",),
    "a length and chunks": ("Content-Length: 4", "Transfer-Encoding: chunked"),
    "chunks and a length": ("Transfer-Encoding: chunked", "Content-Length: 4"),
    "an encoding nobody knows": ("Transfer-Encoding: gzip, nonsense",),
    "chunks in disguise": ("Transfer-Encoding: xchunked",),
    "chunks behind a blank": ("Transfer-Encoding : chunked",),
    "chunks with a tab": ("Transfer-Encoding:\tchunked, identity",),
    "a folded header": ("X-A: b\r\n Content-Length: 4",),
    "a header without a colon": ("Content-Length 4",),
    "a NUL": ("X-A: a\x00b",),
    "a header without a name": (": a",),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", LENGTHS)
def test_a_request_is_never_taken_for_two(prober: Prober, door: str, name: str) -> None:
    port, key = prober.stack.port(DOORS[door]), prober.owner.project.api_key
    inner = smuggled(key, prober.owner.shared["id"])
    json_head = ("Content-Type: application/json", *LENGTHS[name])
    with prober.nothing_changes():
        for body in (b"null" + inner, b"0\r\n\r\n" + inner, b"4\r\nnull\r\n0\r\n\r\n"):
            raw = exchange(port, head_of(port, key, *json_head) + body, half_close=True)
            assert is_refusal(raw, 400, 422, 501), raw


BROKEN = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 40,
    "HTTP/3": b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare line feed": b"GET /links HTTP/1.1\nHost: a\n\n",
    "a blank in the path": b"GET /li nks HTTP/1.1\r\nHost: a\r\n\r\n",
    "a raw byte in the path": b"GET /links/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the path": b"GET /links/\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "an unknown method": b"BREW /links HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method without end": b"A" * 20_000,
    "a path without end": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "too many headers": b"GET /links HTTP/1.1\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\n",
    "a header without end": b"GET /links HTTP/1.1\r\nX-A: " + b"a" * 300_000,
    "only blanks": b"\r\n" * 2000,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_request_is_refused(prober: Prober, door: str, name: str) -> None:
    raw = exchange(prober.stack.port(DOORS[door]), BROKEN[name], half_close=True)
    assert is_refusal(raw, 400, 401, 404, 405), raw


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Type: application/json", "Content-Length: 1000"),
        ("Content-Type: application/json", "Transfer-Encoding: chunked"),
        ("Content-Type: application/json", "Content-Length: 1000", "Expect: 100-continue"),
    ],
    ids=["with a length", "in chunks", "after 100-continue"],
)
def test_a_body_that_is_cut_short_is_no_body(prober: Prober, door: str, lines: tuple[str, ...]) -> None:
    port, key = prober.stack.port(DOORS[door]), prober.owner.project.api_key
    whole = b'{"url": "https://example.com"}'
    piece = b"%x\r\n%b\r\n" % (len(whole), whole) if "chunked" in lines[1] else whole
    with prober.nothing_changes():
        for half_close in (True, False):
            with socket.create_connection(("127.0.0.1", port), timeout=ENDS_S) as connection:
                connection.sendall(head_of(port, key, *lines) + piece)
                if half_close:
                    shut_down(connection)
        _served(prober)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("chunk", [b"xyz\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\n", b"4\r\nnullnull\r\n0\r\n\r\n"])
def test_chunks_that_are_none_are_refused(prober: Prober, door: str, chunk: bytes) -> None:
    port, key = prober.stack.port(DOORS[door]), prober.owner.project.api_key
    head = head_of(port, key, "Content-Type: application/json", "Transfer-Encoding: chunked")
    with prober.nothing_changes():
        raw = exchange(port, head + chunk, half_close=True)
        assert is_refusal(raw, 400, 422), raw


HEADERS: dict[str, tuple[tuple[str, bytes], set[int]]] = {
    "a huge key": (("Authorization", b"Bearer codeqr_" + b"a" * 50_000), {400, 401}),
    "a larger key": (("Authorization", b"Bearer codeqr_" + b"a" * 500_000), {400, 401}),
    "bytes for a key": (("Authorization", b"Bearer codeqr_\xff\xfe\x80"), {401}),
    "blanks for a key": (("Authorization", b"Bearer  \t "), {401}),
    "a key of another kind": (("Authorization", b"Bearer codeqr_pk_\xc3\xbc"), {401, 403}),
    "an empty repeat": (("Idempotency-Key", b""), {422}),
    "a long repeat": (("Idempotency-Key", b"a" * 256), {422}),
    "a very long repeat": (("Idempotency-Key", b"a" * 50_000), {400, 422}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_wrong_are_refused(prober: Prober, door: str, name: str) -> None:
    (header, value), statuses = HEADERS[name]
    headers = {b"Authorization": f"Bearer {prober.owner.project.api_key}".encode(), header.encode(): value}
    url = f"http://127.0.0.1:{prober.stack.port(DOORS[door])}/links"
    with prober.nothing_changes():
        try:
            answer = httpx.post(url, headers=headers, json={"url": "https://example.com"})
        except httpx.TransportError:
            return  # closed while the headers were still being sent, which HTTP allows
        prober.whole(answer, name)
        assert answer.status_code in statuses, answer.text


def test_the_longest_repeat_key_is_one(prober: Prober) -> None:
    body, headers = {"url": "https://example.com"}, {"Idempotency-Key": "~" * 255}
    first = ok(prober.owner.api.post("/links", json=body, headers=headers))
    again = prober.owner.api.post("/links", json=body, headers=headers)
    assert (ok(again), again.headers["idempotent-replayed"]) == (first, "true")


@dataclass(frozen=True)
class Slow:
    """A sender that never ends: `begin` at once, then `more` every half second."""

    begin: bytes
    more: bytes


def slow_ones(port: int, key: str) -> dict[str, Slow]:
    json_head = "Content-Type: application/json"
    return {
        "nothing": Slow(b"", b""),
        "headers": Slow(b"POST /links HTTP/1.1\r\nHost: a\r\nX-A: ", b"a"),
        "headers of many lines": Slow(b"POST /links HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n"),
        "a body": Slow(head_of(port, key, json_head, "Content-Length: 5000") + b'{"url": "https://', b"a"),
        "a body in chunks": Slow(head_of(port, key, json_head, "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
        "a body that does not come": Slow(head_of(port, key, json_head, "Content-Length: 5000"), b""),
        "a body without a key": Slow(head_of(port, "codeqr_wrong", json_head, "Content-Length: 5000"), b" "),
    }


async def dribbled(port: int, slow: Slow) -> bytes:
    """All that came back until the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()
    reading = asyncio.create_task(_collect(reader, answer))
    try:
        writer.write(slow.begin)
        while not reading.done():
            writer.write(slow.more)
            await asyncio.wait([reading], timeout=0.5)
        return bytes(answer)
    finally:
        reading.cancel()
        writer.close()


async def _collect(reader: asyncio.StreamReader, answer: bytearray) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            answer += piece


@pytest.mark.parametrize("door", DOORS)
async def test_slow_senders_end_and_nobody_waits_for_them(prober: Prober, door: str) -> None:
    port, key = prober.stack.port(DOORS[door]), prober.owner.project.api_key
    kinds = slow_ones(port, key)
    if door == "the gateway":
        del kinds["nothing"]  # a connection without a request is idle, and may be so for two minutes
    kept = await asyncio.to_thread(prober.kept)
    async with asyncio.timeout(ENDS_S):
        tasks = {
            (name, number): asyncio.create_task(dribbled(port, slow))
            for name, slow in kinds.items()
            for number in range(SLOW_ONES // len(kinds))
        }
        served = []
        while sum(task.done() for task in tasks.values()) < len(tasks) // 2:
            served.append(await asyncio.to_thread(_served, prober))
        answers = {name: await task for name, task in tasks.items()}
    assert max(served) < SERVED_S, served
    assert len(served) > 3
    for (name, _), answer in answers.items():
        assert is_refusal(parsed(answer) if answer else None, 400, 401), (name, answer)
        if name.startswith("a body"):
            assert answer, f"{name}: the connection ended without a word"
    assert differences(kept, await asyncio.to_thread(prober.kept), settled=False) == []


def _served(prober: Prober) -> float:
    """Seconds that a link took to be made and deleted, by somebody else."""
    started = time.monotonic()
    with prober.stack.client(prober.stack.api_key) as other:
        link: Any = ok(other.post("/links", json={"url": "https://example.com", "key": unique()}))
        ok(other.delete(f"/links/{link['id']}"))
    return time.monotonic() - started
