"""`GET /qr` through the gateway: published requests, caching, other origins, the limit, and dead drawing processes."""

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zxingcpp
from PIL import Image

from running import Stack

PLAIN = "/qr?url=https://codeqr.link/site?qr=1"
ENCODED = "/qr?url=https%3A%2F%2Fcodeqr.link%2Fsite"
LIMIT = 600
"""Requests a minute and client that link-api allows by default."""


@pytest.fixture(scope="module")
def anyone(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody without a key."""
    with httpx.Client(base_url=stack.api_url, timeout=15) as client:
        yield client


def content_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)).convert("L"))
    assert len(found) == 1
    return str(found[0].text)


@pytest.mark.parametrize(
    ("path", "content"), [(PLAIN, "https://codeqr.link/site?qr=1"), (ENCODED, "https://codeqr.link/site")]
)
def test_published_requests_are_answered_with_a_picture(anyone: httpx.Client, path: str, content: str) -> None:
    answer = anyone.get(path)
    assert answer.headers["content-type"] == "image/png"
    assert content_of(answer) == content


def test_the_picture_of_a_link_leads_to_it_as_a_scan(stack: Stack) -> None:
    link = stack.api.post("/links", json={"url": "https://example.com/qr", "domain": stack.short_domain}).json()
    assert content_of(httpx.get(link["qrCode"])) == f"{link['shortLink']}?qr=1"


@pytest.mark.parametrize("file_format", ["png", "webp", "jpeg"])
def test_every_raster_format_decodes(anyone: httpx.Client, file_format: str) -> None:
    assert (
        content_of(anyone.get(f"{PLAIN}&format={file_format}&style=dots&size=300")) == "https://codeqr.link/site?qr=1"
    )


def test_a_cached_picture_is_not_sent_again(anyone: httpx.Client) -> None:
    first = anyone.get(PLAIN)
    again = anyone.get(PLAIN, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = anyone.head(PLAIN)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert int(head.headers["content-length"]) == len(first.content)


def test_pages_of_any_origin_may_read_all_answers(anyone: httpx.Client) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    for answer in (anyone.get(PLAIN), anyone.get("/qr"), anyone.get(PLAIN + "&size=1"), anyone.delete("/qr")):
        assert answer.headers["access-control-allow-origin"] == "*"
    preflight = anyone.options(PLAIN, headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")


def test_errors_are_in_the_envelope(anyone: httpx.Client) -> None:
    for path, status, code in (("/qr", 400, "bad_request"), (PLAIN + "&level=X", 422, "unprocessable_entity")):
        answer = anyone.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_client_may_ask_so_often_and_no_more(anyone: httpx.Client) -> None:
    tag = anyone.get(PLAIN).headers["etag"]
    one = {"X-Forwarded-For": "203.0.113.77", "If-None-Match": tag}
    statuses = [anyone.get(PLAIN, headers=one).status_code for _ in range(LIMIT)]
    assert statuses == [304] * LIMIT
    refused = anyone.get(PLAIN, headers=one)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    other = {**one, "X-Forwarded-For": "203.0.113.78"}
    assert anyone.get(PLAIN, headers=other).status_code == 304


@pytest.mark.faults
def test_a_picture_comes_although_the_drawing_process_was_killed(stack: Stack, anyone: httpx.Client) -> None:
    content_of(anyone.get(PLAIN + "&size=501"))
    killed = drawing_processes(stack.processes()["link-api"])
    assert killed
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    content_of(anyone.get(PLAIN + "&size=502"))
    assert not killed & drawing_processes(stack.processes()["link-api"])


@pytest.mark.faults
def test_drawing_processes_end_with_link_api(stack: Stack, anyone: httpx.Client) -> None:
    content_of(anyone.get(PLAIN + "&size=503"))
    before = drawing_processes(stack.processes()["link-api"])
    assert before
    stack.kill("link-api")
    stack.wait_until(lambda: not any(is_drawing_process(pid) for pid in before), 10)
    stack.wait_until(lambda: anyone.get(PLAIN + "&size=504").status_code == 200, 15)


def drawing_processes(parent: int) -> set[int]:
    """Children of link-api that draw."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return {pid for pid in pids if is_drawing_process(pid) and parent_of(pid) == parent}


def is_drawing_process(pid: int) -> bool:
    try:
        return b"link_api.qr.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
