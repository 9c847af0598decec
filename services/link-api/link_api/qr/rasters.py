"""Pictures of pixels: PNG, WebP, JPEG.

Every module is the same whole number of pixels; what is left of the size is added to the margin. So there is nothing
to scale: a module is one of a few tiles, and a line of pixels is the tiles' lines one after the other. A pixel is a
level of darkness, an index into a palette: two levels for squares, which have no soft edge, 16 for round shapes.
"""

import io
from collections.abc import Iterable
from functools import lru_cache

from PIL import Image, ImageDraw

from link_api.qr.colours import blend
from link_api.qr.drawing import Drawing
from link_api.qr.shapes import RADIUS
from link_api.qr.symbol import Symbol

SOFT_LEVELS = 16
"""4 bits a pixel in a PNG."""
OVERSAMPLING = 8
"""Of round edges, in each direction."""
JPEG_QUALITY = 90
WEBP_EFFORT = 30
"""0–100; it loses nothing whatever this is."""

Tile = tuple[bytes, ...]
"""The lines of pixels of one module."""
LIGHT = 0
"""Its number. A dark module's is 1 + the sum of the corners that are rounded."""
TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT = 1, 2, 4, 8
DOT = 16


def raster(symbol: Symbol, drawing: Drawing) -> bytes:
    """A file of exactly `drawing.size` × `drawing.size` pixels."""
    levels = 2 if drawing.style == "square" else SOFT_LEVELS
    size = drawing.size
    pixels = size // (symbol.size + 2 * drawing.margin)
    data = _pixels(symbol, drawing.style, size, pixels, levels - 1)
    image = Image.frombuffer("P", (size, size), data, "raw", "P", 0, 1)
    _colour(image, levels, drawing)
    file = io.BytesIO()
    match drawing.format:
        case "png":
            image.save(file, "PNG")
        case "webp":
            plain = image.convert("RGBA" if drawing.background is None else "RGB")
            plain.save(file, "WEBP", lossless=True, method=0, quality=WEBP_EFFORT)
        case _:
            image.convert("RGB").save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return file.getvalue()


def _colour(image: Image.Image, levels: int, drawing: Drawing) -> None:
    background, foreground = drawing.background, drawing.foreground
    shares = [level / (levels - 1) for level in range(levels)]
    if background is None:
        image.putpalette(b"".join(bytes((*foreground, round(255 * share))) for share in shares), "RGBA")
    else:
        image.putpalette(b"".join(bytes(blend(background, foreground, share)) for share in shares))


def _pixels(symbol: Symbol, style: str, size: int, pixels: int, darkest: int) -> bytes:
    """The levels of all pixels, with the code in the middle."""
    tiles = _tiles(style, pixels, darkest)
    code = symbol.size * pixels
    before = (size - code) // 2
    after = size - code - before
    left, right = bytes(before), bytes(after)
    parts = [bytes(before * size)]
    for row in _tile_numbers(symbol, style):
        own = [tiles[number] for number in row]
        line = b""
        for y in range(pixels):
            if y == 0 or any(tile[y] is not tile[y - 1] for tile in tiles):
                line = left + b"".join([tile[y] for tile in own]) + right
            parts.append(line)
    parts.append(bytes(after * size))
    return b"".join(parts)


def _tile_numbers(symbol: Symbol, style: str) -> list[list[int]]:
    if style == "square":
        return [list(row) for row in symbol.rows]
    return [
        [_tile_number(symbol, style, x, y) if dark else LIGHT for x, dark in enumerate(row)]
        for y, row in enumerate(symbol.rows)
    ]


def _tile_number(symbol: Symbol, style: str, x: int, y: int) -> int:
    """The tile of a dark module: a corner is round where neither neighbour beside it is dark."""
    if style == "dots" and not symbol.is_finder(x, y):
        return DOT
    up, down = symbol.is_dark(x, y - 1), symbol.is_dark(x, y + 1)
    left, right = symbol.is_dark(x - 1, y), symbol.is_dark(x + 1, y)
    return (
        1
        + TOP_LEFT * (not up and not left)
        + TOP_RIGHT * (not up and not right)
        + BOTTOM_RIGHT * (not down and not right)
        + BOTTOM_LEFT * (not down and not left)
    )


@lru_cache(maxsize=8)
def _tiles(style: str, pixels: int, darkest: int) -> tuple[Tile, ...]:
    """All tiles of a style by their number. Lines that are equal are one object."""
    light, dark = bytes(pixels), bytes([darkest]) * pixels
    if style == "square":
        return ((light,) * pixels, (dark,) * pixels)
    return ((light,) * pixels, *(_tile(_square(pixels, corners), darkest) for corners in range(16)))


def _square(pixels: int, corners: int) -> Image.Image:
    """A square with these corners rounded, large."""
    half = pixels * OVERSAMPLING // 2
    square = Image.new("L", (2 * half, 2 * half), 255)
    disc = Image.new("L", square.size)
    inset = (0.5 - RADIUS) * 2 * half
    ImageDraw.Draw(disc).ellipse((inset, inset, 2 * half - 1 - inset, 2 * half - 1 - inset), fill=255)
    for corner, x, y in ((TOP_LEFT, 0, 0), (TOP_RIGHT, half, 0), (BOTTOM_RIGHT, half, half), (BOTTOM_LEFT, 0, half)):
        if corners & corner:
            quarter = (x, y, x + half, y + half)
            square.paste(disc.crop(quarter), quarter)
    return square


def _tile(large: Image.Image, darkest: int) -> Tile:
    """The lines of pixels of a large shape, each pixel as dark as the share of it that is covered."""
    small = large.reduce(OVERSAMPLING).point([round(value * darkest / 255) for value in range(256)])
    pixels, width = small.tobytes(), small.width
    return _shared(pixels[start : start + width] for start in range(0, len(pixels), width))


def _shared(lines: Iterable[bytes]) -> Tile:
    seen: dict[bytes, bytes] = {}
    return tuple(seen.setdefault(line, line) for line in lines)
