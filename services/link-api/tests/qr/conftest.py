"""Files as pictures, read by a decoder that shares nothing with what drew them; the routes on their own app."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pypdfium2
import pytest
import resvg_py
import uvloop
import zxingcpp
from PIL import Image

from codeqr_common.auth.limits import Taken
from codeqr_common.http.app import create_app
from link_api.qr.drawing import Drawing, Format
from link_api.qr.endpoints import router
from link_api.qr.pool import DrawingPool
from link_api.qr.service import Pictures

CONTENT = "https://codeqr.link/site?qr=1"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that services run on: its pipes to dead processes fail in other ways than asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


class Counting:
    """A limiter that lets each subject pass as often as it was told."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def take(self, subject: str, limit: int) -> Taken:
        self.subjects.append(subject)
        used = self.subjects.count(subject)
        return Taken(used <= limit, limit, max(limit - used, 0), 1757161327, 7)


@pytest.fixture(scope="session")
def drawing() -> Callable[..., Drawing]:
    """A drawing with the defaults of the API."""

    def make(content: str = CONTENT, **changes: Any) -> Drawing:
        plain: dict[str, Any] = {
            "size": 600,
            "level": "L",
            "foreground": (0, 0, 0),
            "background": (255, 255, 255),
            "margin": 2,
            "format": "png",
            "style": "square",
        }
        return Drawing(content=content, **(plain | changes))

    return make


@pytest.fixture(scope="session")
def seen() -> Callable[[Format, bytes], Image.Image]:
    """A file as people see it on white paper, in RGB."""

    def see(file_format: Format, file: bytes) -> Image.Image:
        if file_format == "svg":
            file = resvg_py.svg_to_bytes(svg_string=file.decode())
        if file_format == "pdf":
            return pypdfium2.PdfDocument(file)[0].render(scale=1).to_pil().convert("RGB")
        picture = Image.open(io.BytesIO(file)).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(paper, picture).convert("RGB")

    return see


@pytest.fixture(scope="session")
def read() -> Callable[[Image.Image], str | None]:
    """The exact text of the dark-on-light QR code in a picture; None if there is none."""

    def read_one(picture: Image.Image) -> str | None:
        found = zxingcpp.read_barcode(
            picture.convert("L"), zxingcpp.BarcodeFormat.QRCode, try_invert=False, text_mode=zxingcpp.TextMode.Plain
        )
        return found.text if found else None

    return read_one


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[DrawingPool]:
    one = DrawingPool(workers=1, waiting=8, limit_s=20)
    yield one
    await one.aclose()


@pytest.fixture(scope="session")
async def pictures(pool: DrawingPool) -> Pictures:
    """Without a limit."""
    return Pictures(pool, Counting(), limit=0, trusted=(), cache_bytes=1 << 20)


def client_of(pictures: Pictures, address: str = "203.0.113.7") -> httpx.AsyncClient:
    app = create_app("link-api", routers=[router])
    app.state.pictures = pictures
    transport = httpx.ASGITransport(app, client=(address, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture(scope="session")
async def client(pictures: Pictures) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(pictures) as one:
        yield one


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture(scope="session")
def connect() -> Callable[..., httpx.AsyncClient]:
    return client_of
