"""Is it ready? Every probe makes a real connection and raises NotReady with the reason otherwise."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

Probe = Callable[[], Awaitable[None]]
_TIMEOUT_SECONDS = 2.0
_POSTGRES_PROTOCOL_3 = 196608
_API_VERSIONS = 18


class NotReady(Exception):
    """The reason in a few words."""


async def wait_until(probe: Probe, *, first_seconds: float = 0.02, longest_seconds: float = 0.25) -> None:
    """Return as soon as the probe passes; the caller sets the limit."""
    pause = first_seconds
    while True:
        try:
            await probe()
            return
        except NotReady:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest_seconds)


async def _exchange(host: str, port: int, request: bytes, reply_bytes: int) -> bytes:
    """Send a request, give the first bytes of the reply (fewer if the server closed; -1: all until it closes)."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                await writer.drain()
                return await reader.read(reply_bytes)
            finally:
                writer.close()
    except TimeoutError:
        raise NotReady(f"no answer from {host}:{port}") from None
    except OSError as error:
        raise NotReady(f"{host}:{port}: {error.strerror or error}") from None


def tcp(host: str, port: int) -> Probe:
    """Ready when a connection is accepted."""

    async def probe() -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
        except (OSError, TimeoutError) as error:
            raise NotReady(f"{host}:{port}: {error}") from None

    return probe


def http(url: str) -> Probe:
    """Ready when the URL answers 200; otherwise the reason is what /readyz says is missing."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> None:
        reply = await _exchange(host, port, request, 65536)
        head, _, body = reply.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        if len(words) < 2 or words[1] != b"200":
            raise NotReady(_reason(body) or head.split(b"\r\n")[0].decode(errors="replace") or "connection closed")

    return probe


def _reason(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
    except ValueError:
        return body.decode(errors="replace").strip()[:200]
    return json.dumps(document)[:300]


def redis(url: str) -> Probe:
    """Ready when the URL's password is taken and PING is answered."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 6379
    if parts.scheme == "rediss":
        return tcp(host, port)
    login = _redis_login(parts)
    request = b"".join(_redis_command(*words) for words in (*login, ("PING",), ("QUIT",)))
    wanted = [b"+OK"] * len(login) + [b"+PONG"]

    async def probe() -> None:
        reply = await _exchange(host, port, request, -1)  # to the end: QUIT has the server close
        for line, expected in zip_longest(reply.split(b"\r\n")[: len(wanted)], wanted):
            if line != expected:
                raise NotReady((line or b"connection closed").decode(errors="replace"))

    return probe


def _redis_login(parts: SplitResult) -> list[tuple[str, ...]]:
    if not parts.password:
        return []
    names = (unquote(parts.username),) if parts.username else ()
    return [("AUTH", *names, unquote(parts.password))]


def _redis_command(*words: str) -> bytes:
    texts = [word.encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


def postgres(url: str) -> Probe:
    """Ready when the server asks a new connection to authenticate (while it starts or stops it refuses)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5432
    user, database = parts.username or "postgres", parts.path.lstrip("/") or "postgres"
    fields = f"user\0{user}\0database\0{database}\0\0".encode()
    request = struct.pack("!ii", len(fields) + 8, _POSTGRES_PROTOCOL_3) + fields

    async def probe() -> None:
        reply = await _exchange(host, port, request, 512)
        if not reply.startswith(b"R"):
            raise NotReady(_postgres_message(reply) or "connection closed")

    return probe


def _postgres_message(reply: bytes) -> str:
    """The human part of an ErrorResponse: fields of one letter and a text, each ended by a zero byte."""
    if not reply.startswith(b"E"):
        return ""
    texts = [part[1:] for part in reply[5:].split(b"\0") if part.startswith(b"M")]
    return texts[0].decode(errors="replace") if texts else ""


def kafka(bootstrap: str) -> Probe:
    """Ready when the first broker that answers ApiVersions does so without an error."""
    addresses = [address.rpartition(":") for address in bootstrap.split(",")]
    body = struct.pack("!hhih", _API_VERSIONS, 0, 1, 6) + b"codeqr"
    request = struct.pack("!i", len(body)) + body

    async def probe() -> None:
        reasons = []
        for host, _, port in addresses:
            try:
                reply = await _exchange(host, int(port), request, 10)
            except NotReady as reason:
                reasons.append(str(reason))
                continue
            if len(reply) == 10 and struct.unpack("!iih", reply)[1:] == (1, 0):
                return
            reasons.append(f"{host}:{port}: connection closed")
        raise NotReady("; ".join(reasons))

    return probe
