"""Every format, style, level and size is read by a decoder; pixels are where they should be."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from link_api.qr.contrast import is_readable
from link_api.qr.draw import Refused, draw
from link_api.qr.drawing import Drawing
from link_api.qr.symbol import encode

Make = Callable[..., Drawing]
See = Callable[[str, bytes], Image.Image]
Read = Callable[[Image.Image], str | None]

RASTERS = ("png", "webp", "jpeg")
FORMATS = (*RASTERS, "svg", "pdf")
STYLES = ("square", "rounded", "dots")
SHORT = "https://codeqr.link/site?qr=1"
LONG = "https://example.com/" + "a1B2/" * 60


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("content", [SHORT, LONG], ids=["short", "long"])
def test_every_format_style_and_level_decodes(
    drawing: Make, seen: See, read: Read, file_format: str, style: str, level: str, content: str
) -> None:
    picture = seen(file_format, draw(drawing(content, format=file_format, style=style, level=level)))
    assert picture.size == (600, 600)
    assert read(picture) == content


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("margin", [0, 4])
def test_the_smallest_size_decodes_at_any_margin(
    drawing: Make, seen: See, read: Read, file_format: str, style: str, margin: int
) -> None:
    symbol = encode(LONG, "M")
    assert symbol is not None
    least = 3 * (symbol.size + 2 * margin)
    picture = seen(
        file_format, draw(drawing(LONG, level="M", format=file_format, style=style, margin=margin, size=least))
    )
    assert picture.size == (least, least)
    assert read(picture) == LONG


@pytest.mark.parametrize("file_format", RASTERS)
@pytest.mark.parametrize("style", STYLES)
def test_the_largest_size_decodes(drawing: Make, seen: See, read: Read, file_format: str, style: str) -> None:
    picture = seen(file_format, draw(drawing(format=file_format, style=style, size=4096)))
    assert picture.size == (4096, 4096)
    assert read(picture) == SHORT


@pytest.mark.parametrize(
    "content", ["x" * 2048, "0123456789" * 200, "/" * 1000, "é" * 600, "漢字" * 200, "\x00\t\r\n\x7f"]
)
def test_unusual_contents_decode(drawing: Make, seen: See, read: Read, content: str) -> None:
    assert read(seen("png", draw(drawing(content, size=800)))) == content


@given(content=st.text(min_size=1, max_size=80))
def test_any_text_decodes(drawing: Make, seen: See, read: Read, content: str) -> None:
    assert read(seen("png", draw(drawing(content, size=400)))) == content


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("foreground", "background"),
    [
        ((0x7B, 0x1F, 0xA2), (0xFF, 0xF8, 0xE1)),
        ((200, 200, 200), (255, 255, 255)),
        ((0, 0, 0), (52, 52, 52)),
        ((255, 0, 0), (0, 255, 0)),
        ((0, 0, 255), (255, 160, 0)),
    ],
)
def test_every_contrast_that_we_take_decodes(
    drawing: Make, seen: See, read: Read, file_format: str, style: str, foreground: Any, background: Any
) -> None:
    assert is_readable(foreground, background)
    order = drawing(format=file_format, style=style, foreground=foreground, background=background)
    assert read(seen(file_format, draw(order))) == SHORT


COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


@given(foreground=COLOURS, background=COLOURS, style=st.sampled_from(STYLES))
def test_any_colours_that_we_take_decode(
    drawing: Make, seen: See, read: Read, foreground: Any, background: Any, style: str
) -> None:
    if is_readable(foreground, background):
        order = drawing(foreground=foreground, background=background, style=style, size=200)
        assert read(seen("png", draw(order))) == SHORT


@pytest.mark.parametrize(
    ("foreground", "background"),
    [((127, 127, 127), (128, 128, 128)), ((250, 250, 250), None), ((255, 255, 255), (0, 0, 0)), ((0, 0, 0), (0, 0, 5))],
)
def test_what_is_refused_does_not_decode(
    drawing: Make, seen: See, read: Read, foreground: Any, background: Any
) -> None:
    assert not is_readable(foreground, background)
    assert read(seen("png", draw(drawing(foreground=foreground, background=background)))) is None


@pytest.mark.parametrize(("margin", "size"), [(2, 600), (0, 600), (0, 75), (4, 255), (30, 599), (2, 4096)])
@pytest.mark.parametrize("file_format", ["png", "webp"])
def test_square_modules_are_whole_pixels_in_two_colours(
    drawing: Make, seen: See, file_format: str, margin: int, size: int
) -> None:
    code = segno.make_qr(SHORT, error="l", boost_error=False).matrix
    picture = seen(
        file_format,
        draw(drawing(format=file_format, margin=margin, size=size, foreground=(0, 0, 90), background=(250, 240, 9))),
    )
    pixels = size // (len(code) + 2 * margin)
    before = (size - pixels * len(code)) // 2
    assert before >= margin * pixels
    expected = Image.new("RGB", (len(code), len(code)), (250, 240, 9))
    for y, row in enumerate(code):
        for x, dark in enumerate(row):
            if dark:
                expected.putpixel((x, y), (0, 0, 90))
    whole = Image.new("RGB", (size, size), (250, 240, 9))
    whole.paste(expected.resize((len(code) * pixels,) * 2, Image.Resampling.NEAREST), (before, before))
    assert picture.tobytes() == whole.tobytes()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("file_format", ["png", "webp", "svg"])
def test_a_transparent_background_is_not_painted(drawing: Make, file_format: str, style: str) -> None:
    order = drawing(format=file_format, style=style, background=None, foreground=(1, 2, 3), size=300)
    file = draw(order)
    if file_format == "svg":
        assert file.count(b"<path") == 1
        return
    picture = Image.open(io.BytesIO(file)).convert("RGBA")
    assert picture.getpixel((0, 0))[3] == 0
    opaque = [colour for _, colour in picture.getcolors(1 << 16) if colour[3] == 255]
    assert opaque == [(1, 2, 3, 255)]


@pytest.mark.parametrize(("style", "bits"), [("square", 1), ("rounded", 4), ("dots", 4)])
def test_pngs_have_few_bits_a_pixel(drawing: Make, style: str, bits: int) -> None:
    file = draw(drawing(style=style))
    assert (file[12:16], file[24], file[25]) == (b"IHDR", bits, 3)


PEAK = """
import resource
from link_api.qr.draw import draw
from link_api.qr.drawing import Drawing

def peak(size):
    draw(Drawing("https://codeqr.link/site", size, "L", (0, 0, 0), (255, 255, 255), 2, "png", "square"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

print(-peak(600) + peak(4096))
"""


def test_the_largest_png_takes_little_memory() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 24 << 10  # KiB: a byte a pixel, and little more


def test_equal_drawings_are_equal_files(drawing: Make) -> None:
    for file_format in (*FORMATS, "eps"):
        assert draw(drawing(format=file_format, style="rounded")) == draw(drawing(format=file_format, style="rounded"))


@pytest.mark.parametrize(("level", "most"), [("L", 2953), ("M", 2331), ("Q", 1663), ("H", 1273)])
def test_content_that_does_not_fit_its_level_is_refused(drawing: Make, level: str, most: int) -> None:
    draw(drawing("x" * most, level=level))
    with pytest.raises(Refused, match=r"^url: .*level " + level):
        draw(drawing("x" * (most + 1), level=level))


@pytest.mark.parametrize("file_format", [*FORMATS, "eps"])
def test_less_than_three_pixels_a_module_are_refused(drawing: Make, file_format: str) -> None:
    assert draw(drawing(format=file_format, margin=2, size=87))
    with pytest.raises(Refused, match=r"^size: at least 87 "):
        draw(drawing(format=file_format, margin=2, size=86))
