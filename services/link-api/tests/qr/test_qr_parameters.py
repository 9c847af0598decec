"""Queries as drawings: what is taken, in which spellings, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from codeqr_common.errors import ApiError
from codeqr_common.http.validation import to_api_error
from link_api.qr.colours import parse_colour
from link_api.qr.drawing import Drawing
from link_api.qr.parameters import drawing_of

Make = Callable[..., Drawing]
URL = b"url=https://codeqr.link/site"


def refusal(query: bytes, accept: str = "") -> tuple[int, str]:
    with pytest.raises((ApiError, RequestValidationError)) as raised:
        drawing_of(query, accept)
    error = raised.value
    if isinstance(error, RequestValidationError):
        error = to_api_error(error)
    return error.status, error.message


@pytest.mark.parametrize(
    ("query", "content"),
    [
        (b"url=https://codeqr.link/site?qr=1", "https://codeqr.link/site?qr=1"),
        (b"url=https%3A%2F%2Fcodeqr.link%2Fsite", "https://codeqr.link/site"),
        (b"url=https%3A%2F%2Fcodeqr.link%2Fsite%3Fqr%3D1", "https://codeqr.link/site?qr=1"),
        (b"url=https://codeqr.link/site?qr=1&size=300", "https://codeqr.link/site?qr=1"),
        (b"size=300&url=https://codeqr.link/site?qr=1", "https://codeqr.link/site?qr=1"),
        (b"url=https://a.example/?b=1&c=2", "https://a.example/?b=1"),
        (b"url=https://a.example/?b=1%26c=2%23d", "https://a.example/?b=1&c=2#d"),
        (b"url=https://a.example/?q=a+b%20c", "https://a.example/?q=a+b c"),
        (b"url=https%3A%2F%2Fa.example%2F%3Fq%3Da%2Bb+c", "https://a.example/?q=a+b c"),
        (b"url=one+two", "one two"),
        (b"url=https://a.example/100%", "https://a.example/100%"),
        ("url=https://a.example/café".encode(), "https://a.example/café"),
        (b"url=https://a.example/caf%C3%A9%F0%9F%98%80", "https://a.example/café😀"),
        (b"u%72l=x", "x"),
        (b"url=a=b==", "a=b=="),
    ],
)
def test_the_content_is_what_follows_url(query: bytes, content: str) -> None:
    assert drawing_of(query, "").content == content


def test_defaults(drawing: Make) -> None:
    assert drawing_of(URL, "") == drawing("https://codeqr.link/site")


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        (b"size=64", {"size": 64}),
        (b"size=4096.0", {"size": 4096}),
        (b"level=h", {"level": "H"}),
        (b"fgColor=%23123456", {"foreground": (0x12, 0x34, 0x56)}),
        (b"fg_color=123456", {"foreground": (0x12, 0x34, 0x56)}),
        (b"fgColor=%2523123456", {"foreground": (0x12, 0x34, 0x56)}),
        (b"fgColor=%23ABC&bgColor=fff", {"foreground": (0xAA, 0xBB, 0xCC)}),
        (b"bg_color=fFeEdD", {"background": (0xFF, 0xEE, 0xDD)}),
        (b"bgColor=Transparent", {"background": None}),
        (b"margin=0", {"margin": 0}),
        (b"margin=4.0", {"margin": 4}),
        (b"margin=4&includeMargin=false", {"margin": 0}),
        (b"margin=4&include_margin=0", {"margin": 0}),
        (b"margin=4&includeMargin=1", {"margin": 4}),
        (b"format=SVG", {"format": "svg"}),
        (b"format=jpg", {"format": "jpeg"}),
        (b"style=Dots", {"style": "dots"}),
        (b"hideLogo=true", {}),
        (b"hide_logo=0", {}),
        (b"projectSlug=acme&cache=1&cache=2&%FF=%FF&&=", {}),
    ],
)
def test_parameters(drawing: Make, query: bytes, changes: dict[str, Any]) -> None:
    assert drawing_of(URL + b"&" + query, "") == drawing("https://codeqr.link/site", **changes)


@pytest.mark.parametrize("query", [b"", b"size=300", b"URL=x", b"text=x"])
def test_without_url_it_is_400(query: bytes) -> None:
    assert refusal(query) == (400, "url is missing: the content of the QR code.")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (b"url=", "url"),
        (b"url=" + b"x" * 2049, "url"),
        (b"url=%FF", "url"),
        (b"url=\xff", "url"),
        (b"url=a&url=b", "url"),
        *((URL + b"&" + rest, name) for rest, name in [
            (b"size=63", "size"),
            (b"size=4097", "size"),
            (b"size=600.5", "size"),
            (b"size=", "size"),
            (b"size=big", "size"),
            (b"size=nan", "size"),
            (b"size=1e400", "size"),
            (b"size=300&size=300", "size"),
            (b"level=X", "level"),
            (b"level=", "level"),
            (b"fgColor=red", "fgColor"),
            (b"fg_color=12345", "fg_color"),
            (b"fgColor=transparent", "fgColor"),
            (b"fgColor=%23%23123456", "fgColor"),
            (b"fgColor=", "fgColor"),
            (b"bgColor=rgb(0,0,0)", "bgColor"),
            ("bgColor=１２３".encode(), "bgColor"),
            (b"margin=-1", "margin"),
            (b"margin=101", "margin"),
            (b"margin=1.5", "margin"),
            (b"format=gif", "format"),
            (b"format=", "format"),
            (b"style=hearts", "style"),
            (b"includeMargin=maybe", "includeMargin"),
            (b"hideLogo=2", "hideLogo"),
            (b"format=jpeg&bgColor=transparent", "bgColor"),
            (b"fgColor=fff", "fgColor"),
            (b"fgColor=777&bgColor=888", "fgColor"),
            (b"fgColor=fff&bgColor=000", "fgColor"),
            (b"fgColor=eee&bgColor=transparent", "fgColor"),
        ]),
    ],
)  # fmt: skip
def test_bad_values_are_422_and_named(query: bytes, name: str) -> None:
    status, message = refusal(query)
    assert (status, message.partition(": ")[0]) == (422, name)
    assert message.partition(": ")[2]


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", "png"),
        ("*/*", "png"),
        ("image/*", "png"),
        ("application/json", "png"),
        ("image/svg+xml", "svg"),
        (" Image/SVG+XML ; q=0.9", "svg"),
        ("image/webp", "webp"),
        ("image/jpeg", "jpeg"),
        ("application/pdf", "pdf"),
        ("application/postscript", "eps"),
        ("image/svg+xml, image/png", "png"),
        ("image/svg+xml, application/json", "png"),
        # Browsers: pictures in Chrome, Firefox, older Firefox, Safari; pages in Chrome.
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "png"),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "png"),
        ("image/webp,*/*", "png"),
        ("image/webp;q=0.9,*/*;q=0.1", "png"),
        (
            "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*",
            "png",
        ),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8", "png"),
    ],
)
def test_accept_names_a_format_only_if_it_names_one(accept: str, found: str) -> None:
    assert drawing_of(URL, accept).format == found
    assert drawing_of(URL + b"&format=pdf", accept).format == "pdf"


def test_a_jpeg_by_accept_has_no_transparency_either() -> None:
    assert refusal(URL + b"&bgColor=transparent", "image/jpeg")[0] == 422


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#000", (0, 0, 0)), ("FfFfFf", (255, 255, 255)), ("%23a1B2c3", (0xA1, 0xB2, 0xC3)), ("#fff\n", None), ("", None)],
)
def test_colours(text: str, colour: tuple[int, int, int] | None) -> None:
    assert parse_colour(text) == colour
