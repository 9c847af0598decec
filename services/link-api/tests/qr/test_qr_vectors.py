"""Vector files: the outlines hold what is dark and nothing else, and PostScript says what PDF says."""

import io
import re
import shutil
import zlib
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from link_api.qr.draw import draw
from link_api.qr.drawing import Drawing
from link_api.qr.shapes import STEPS, Outline, outlines
from link_api.qr.symbol import Symbol

Make = Callable[..., Drawing]
STYLES = ("square", "rounded", "dots")


def symbols() -> st.SearchStrategy[Symbol]:
    return st.integers(1, 9).flatmap(
        lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=size, max_size=size)
    ).map(lambda rows: Symbol(tuple(bytes(value % 2 for value in row) for row in rows)))  # fmt: skip


def winding(outline: Outline, x: float, y: float) -> int:
    """How often the outline goes around a point, clockwise."""
    turns = 0
    for one, two in zip(outline, outline[1:] + outline[:1], strict=True):
        if one.x == two.x and one.x > x and min(one.y, two.y) < y < max(one.y, two.y):
            turns += 1 if two.y > one.y else -1
    return turns


@given(symbols())
def test_outlines_go_around_each_dark_module_once(symbol: Symbol) -> None:
    found = list(outlines(symbol))
    for y in range(symbol.size):
        for x in range(symbol.size):
            around = sum(winding(outline, x + 0.5, y + 0.5) for outline in found)
            assert around == symbol.rows[y][x]


@given(symbols())
def test_outlines_turn_at_every_corner_and_close(symbol: Symbol) -> None:
    for outline in outlines(symbol):
        for one, two in zip(outline, outline[1:] + outline[:1], strict=True):
            assert one.come != one.go
            step = STEPS[one.go]
            length = abs(two.x - one.x) + abs(two.y - one.y)
            assert (two.x - one.x, two.y - one.y) == (step[0] * length, step[1] * length)
            assert length > 0


@given(symbols())
def test_corners_stick_out_where_a_module_has_no_neighbour_beside(symbol: Symbol) -> None:
    expected = [
        (x + right, y + down)
        for y, row in enumerate(symbol.rows)
        for x, dark in enumerate(row)
        for right in (0, 1)
        for down in (0, 1)
        if dark and not symbol.is_dark(x + 2 * right - 1, y) and not symbol.is_dark(x, y + 2 * down - 1)
    ]
    found = [(corner.x, corner.y) for outline in outlines(symbol) for corner in outline if corner.is_convex]
    assert sorted(found) == sorted(expected)


def test_modules_that_touch_at_a_corner_are_two_areas() -> None:
    symbol = Symbol((b"\x01\x00", b"\x00\x01"))
    assert [len(outline) for outline in outlines(symbol)] == [4, 4]
    assert all(corner.is_convex for outline in outlines(symbol) for corner in outline)


@pytest.mark.parametrize(("style", "most"), [("square", 0), ("rounded", 1), ("dots", 1)])
@pytest.mark.parametrize("file_format", ["svg", "pdf"])
def test_vectors_look_like_pixels(
    drawing: Make, seen: Callable[[str, bytes], Image.Image], style: str, most: float, file_format: str
) -> None:
    pixels, lines = (
        seen(name, draw(drawing(format=name, style=style, margin=2, size=29 * 20))).convert("L")
        for name in ("png", file_format)
    )
    (mean,) = ImageStat.Stat(ImageChops.difference(pixels, lines)).mean
    assert mean <= most  # of 255; the edges of round shapes are smoothed differently


@pytest.mark.parametrize("style", STYLES)
def test_an_svg_is_two_paths_that_do_nothing(drawing: Make, style: str) -> None:
    root = ElementTree.fromstring(draw(drawing(format="svg", style=style, margin=4, size=777)))  # noqa: S314 - ours
    assert root.attrib["viewBox"] == "0 0 33 33"
    assert (root.attrib["width"], root.attrib["height"]) == ("777", "777")
    assert [child.tag for child in root] == ["{http://www.w3.org/2000/svg}path"] * 2
    assert [set(child.attrib) for child in root] == [{"fill", "d"}, {"fill", "transform", "d"}]
    assert ("crispEdges" in root.attrib.values()) == (style == "square")


def test_an_svg_cannot_be_made_to_hold_the_content(drawing: Make) -> None:
    plain = draw(drawing("<script>alert(1)</script>", format="svg"))
    assert b"script" not in plain


@pytest.mark.parametrize("background", [(255, 250, 240), None])
@pytest.mark.parametrize("style", STYLES)
def test_eps_and_pdf_hold_the_same_page(drawing: Make, style: str, background: tuple[int, int, int] | None) -> None:
    eps = draw(drawing(format="eps", style=style, background=background))
    pdf = draw(drawing(format="pdf", style=style, background=background))
    _, content, _ = re.split(rb"stream\n|\nendstream", pdf)
    head, page = eps.split(b"q\n", 1)
    assert b"q\n" + page.removesuffix(b"%%EOF\n") == zlib.decompress(content)
    assert head.startswith(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 600 600\n")
    assert max(len(line) for line in eps.splitlines()) < 255
    assert set(re.findall(rb"[a-zA-Z]+$", page, re.MULTILINE)) <= {b"q", b"Q", *re.findall(rb"/(\w+){", head)} | {
        b"EOF"
    }


@pytest.mark.skipif(shutil.which("gs") is None, reason="Ghostscript is not installed")
@pytest.mark.parametrize("style", STYLES)
def test_ghostscript_draws_an_eps_that_decodes(
    drawing: Make, read: Callable[[Image.Image], str | None], style: str
) -> None:
    picture = Image.open(io.BytesIO(draw(drawing(format="eps", style=style, foreground=(90, 0, 0)))))
    assert read(picture.convert("RGB")) == "https://codeqr.link/site?qr=1"
    assert picture.size == (600, 600)


def test_a_pdf_says_where_its_objects_are(drawing: Make) -> None:
    pdf = draw(drawing(format="pdf", size=64, margin=0, content="x"))
    start = int(pdf.split(b"startxref\n")[1].split()[0])
    assert pdf[start:].startswith(b"xref\n0 5\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n ", pdf), start=1):
        assert pdf[int(place) :].startswith(b"%d 0 obj" % number)
    assert b"MediaBox[0 0 64 64]" in pdf
