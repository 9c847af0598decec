"""`/qr` over HTTP: headers, caching, other origins, limits, and errors in the envelope."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from PIL import Image

from link_api.qr.drawing import Drawing
from link_api.qr.pool import Busy, DrawingFailed, DrawingPool, TooSlow, WorkerDied
from link_api.qr.service import Pictures, etag

PLAIN = "/qr?url=https://codeqr.link/site?qr=1"
ENCODED = "/qr?url=https%3A%2F%2Fcodeqr.link%2Fsite"
See = Callable[[str, bytes], Image.Image]
Read = Callable[[Image.Image], str | None]
Connect = Callable[..., httpx.AsyncClient]
MEDIA_TYPES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "eps": "application/postscript",
}


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "doc_url"}
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    ("path", "content"), [(PLAIN, "https://codeqr.link/site?qr=1"), (ENCODED, "https://codeqr.link/site")]
)
async def test_published_requests(client: httpx.AsyncClient, seen: See, read: Read, path: str, content: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    picture = seen("png", answer.content)
    assert (picture.size, read(picture)) == ((600, 600), content)


@pytest.mark.parametrize(("file_format", "media_type"), MEDIA_TYPES.items())
async def test_headers_of_a_picture(client: httpx.AsyncClient, file_format: str, media_type: str) -> None:
    answer = await client.get(f"{PLAIN}&format={file_format}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'inline; filename="qr-code.{file_format}"'
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert int(answer.headers["content-length"]) == len(answer.content)
    policy = "default-src 'none'; sandbox" if file_format == "svg" else None
    assert answer.headers.get("content-security-policy") == policy
    by_accept = await client.get(PLAIN, headers={"Accept": media_type})
    assert by_accept.content == answer.content


async def test_head_has_the_headers_of_get(client: httpx.AsyncClient) -> None:
    get, head = await client.get(PLAIN), await client.head(PLAIN)
    for answer in (get, head):
        answer.headers.pop("x-request-id")
    assert (head.status_code, head.headers) == (200, get.headers)


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', '"other",W/{} ,"more"'])
async def test_a_known_picture_is_not_sent_again(client: httpx.AsyncClient, known: str) -> None:
    first = await client.get(PLAIN)
    again = await client.get(PLAIN, headers={"If-None-Match": known.format(first.headers["etag"])})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
        assert again.headers[name] == first.headers[name]


async def test_a_known_picture_is_not_drawn_again(connect: Connect, drawing: Callable[..., Drawing]) -> None:
    async with connect(Pictures(Broken(RuntimeError()), Never(), limit=0, trusted=(), cache_bytes=0)) as client:
        answer = await client.get(PLAIN, headers={"If-None-Match": etag(drawing())})
        assert answer.status_code == 304


async def test_the_tag_follows_what_is_drawn_and_not_how_it_was_asked(client: httpx.AsyncClient) -> None:
    async def tag(path: str) -> str:
        return str((await client.get(path)).headers["etag"])

    plain = await tag(PLAIN)
    assert plain == await tag(PLAIN)
    for same in (
        "&size=600.0",
        "&fgColor=000",
        "&bg_color=%23ffffff",
        "&level=l&utm_source=x",
        "&format=png&hideLogo=1",
    ):
        assert await tag(PLAIN + same) == plain
    changes = (
        "&size=601",
        "&level=M",
        "&fgColor=111",
        "&bgColor=transparent",
        "&margin=3",
        "&format=svg",
        "&style=dots",
    )
    tags = {await tag(PLAIN + change) for change in changes} | {plain, await tag(ENCODED)}
    assert len(tags) == len(changes) + 2
    assert all(one.startswith('"') for one in tags)


async def test_a_preflight_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.options(
        PLAIN, headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "*, Authorization"


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/qr", 400, "bad_request", "url is missing: the content of the QR code."),
        ("GET", "/qr?url=", 422, "unprocessable_entity", "url: string should have at least 1 character"),
        ("GET", PLAIN + "&size=12", 422, "unprocessable_entity", "size: input should be greater than or equal to 64"),
        (
            "GET",
            PLAIN + "&size=64",
            422,
            "unprocessable_entity",
            "size: at least 87 is needed, 3 pixels for each of 29 modules",
        ),
        (
            "GET",
            "/qr?level=H&url=" + "x" * 1300,
            422,
            "unprocessable_entity",
            "url: too long for a QR code at level H",
        ),
        ("DELETE", PLAIN, 405, "method_not_allowed", "DELETE is not offered at /qr."),
    ],
)
async def test_errors_may_be_read_by_any_page(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str, message: str
) -> None:
    answer = await client.request(method, path)
    assert error_of(answer) == (status, code, message)
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


class Never:
    async def take(self, subject: str, limit: int) -> Any:
        raise AssertionError("asked without a limit")


class Broken(DrawingPool):
    """Fails in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__(workers=1, waiting=0, limit_s=1)
        self._error = error

    async def draw(self, drawing: Drawing) -> bytes:
        raise self._error


@pytest.mark.parametrize("error", [Busy(), TooSlow(), WorkerDied()])
async def test_what_cannot_be_drawn_now_is_503(connect: Connect, error: Exception) -> None:
    async with connect(Pictures(Broken(error), Never(), limit=0, trusted=(), cache_bytes=0)) as client:
        answer = await client.get(PLAIN)
    assert error_of(answer)[:2] == (503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_fault_of_ours_is_500_and_tells_nothing(connect: Connect) -> None:
    broken = Broken(DrawingFailed("a secret of ours"))
    async with connect(Pictures(broken, Never(), limit=0, trusted=(), cache_bytes=0)) as client:
        answer = await client.get(PLAIN)
    assert error_of(answer)[:2] == (500, "internal_server_error")
    assert "secret" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_client_over_its_limit_is_told_when_to_return(
    connect: Connect, pool: DrawingPool, counting: Any
) -> None:
    pictures = Pictures(pool, counting, limit=2, trusted=(), cache_bytes=1 << 20)
    async with connect(pictures, "203.0.113.7") as client:
        # Repeats count, and so do mistakes.
        assert [(await client.get(path)).status_code for path in (PLAIN, "/qr")] == [200, 400]
        refused = await client.get(PLAIN)
    assert error_of(refused)[:2] == (429, "rate_limit_exceeded")
    assert refused.headers["retry-after"] == "7"
    assert refused.headers["access-control-allow-origin"] == "*"
    async with connect(pictures, "203.0.113.8") as other:
        assert (await other.get(PLAIN)).status_code == 200
    assert set(counting.subjects) == {"qr:203.0.113.7", "qr:203.0.113.8"}


@pytest.mark.parametrize(
    ("peer", "forwarded", "subject"),
    [
        ("203.0.113.7", "198.51.100.1", "qr:203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "qr:198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "qr:198.51.100.1"),
        ("10.0.0.1", "nonsense", "qr:10.0.0.1"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "qr:2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "1.1.1.1", "qr:2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "198.51.100.1", "qr:198.51.100.1"),
    ],
)
async def test_clients_are_told_apart_by_address(
    connect: Connect, pool: DrawingPool, counting: Any, peer: str, forwarded: str, subject: str
) -> None:
    pictures = Pictures(pool, counting, limit=5, trusted=(ip_network("10.0.0.0/8"),), cache_bytes=0)
    async with connect(pictures, peer) as client:
        await client.get("/qr", headers={"X-Forwarded-For": forwarded})
    assert counting.subjects == [subject]


class Watched(DrawingPool):
    """Counts what is really drawn."""

    def __init__(self) -> None:
        super().__init__(workers=1, waiting=3, limit_s=20)
        self.drawn = 0

    async def draw(self, drawing: Drawing) -> bytes:
        self.drawn += 1
        return await super().draw(drawing)


async def test_equal_pictures_are_drawn_once(connect: Connect) -> None:
    pool = Watched()
    async with connect(Pictures(pool, Never(), limit=0, trusted=(), cache_bytes=1 << 20)) as client:
        answers = await asyncio.gather(*(client.get(PLAIN) for _ in range(50)))
        answers.append(await client.get(PLAIN + "&size=600"))
    await pool.aclose()
    assert [answer.status_code for answer in answers] == [200] * 51
    assert len({answer.content for answer in answers}) == 1
    assert pool.drawn == 1


async def test_a_caller_that_goes_away_takes_no_picture_from_others(
    drawing: Callable[..., Drawing],
) -> None:
    pool = Watched()
    pictures = Pictures(pool, Never(), limit=0, trusted=(), cache_bytes=1 << 20)
    first, second = (asyncio.create_task(pictures.file(drawing())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert pool.drawn == 1
    await pictures.aclose()
