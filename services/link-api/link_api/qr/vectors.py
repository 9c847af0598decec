"""Vector files: SVG, PDF, EPS. Only what is dark is a path; the background, if there is one, a rectangle behind it."""

import zlib
from collections.abc import Iterator

from link_api.qr.colours import Colour, to_hex
from link_api.qr.drawing import Drawing
from link_api.qr.paths import Arc, Close, Disc, Line, Move, Step, steps
from link_api.qr.symbol import Symbol

KAPPA = 0.5523
"""How far the control points of a cubic curve stand towards the corner, for a quarter of a circle."""


def svg(symbol: Symbol, drawing: Drawing) -> bytes:
    """An SVG whose units are modules. It holds two shapes and nothing else."""
    modules = symbol.size + 2 * drawing.margin
    crisp = ' shape-rendering="crispEdges"' if drawing.style == "square" else ""
    head = f'width="{drawing.size}" height="{drawing.size}" viewBox="0 0 {modules} {modules}"{crisp}'
    ground = f"M0 0h{modules}v{modules}H0z"
    behind = f'<path fill="{to_hex(drawing.background)}" d="{ground}"/>' if drawing.background else ""
    place = f'fill="{to_hex(drawing.foreground)}" transform="translate({drawing.margin} {drawing.margin})"'
    code = "".join(_svg_steps(steps(symbol, drawing.style)))
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{behind}<path {place} d="{code}"/></svg>\n'.encode()


def _svg_steps(path: Iterator[Step]) -> Iterator[str]:
    at_x = at_y = 0.0
    for step in path:
        match step:
            case Move(x, y):
                yield f"M{_short(x)} {_short(y)}"
            case Line(x, y):
                if (x, y) != (at_x, at_y):
                    yield f"h{_short(x - at_x)}" if y == at_y else f"v{_short(y - at_y)}"
            case Arc(x=x, y=y):
                radius = _short(abs(x - at_x))
                yield f"a{radius} {radius} 0 0 1 {_short(x - at_x)} {_short(y - at_y)}"
            case Close():
                yield "z"
                continue
            case Disc(x, y, radius):
                half = f"a{_short(radius)} {_short(radius)} 0 0 1 "
                yield f"M{_short(x - radius)} {_short(y)}{half}{_short(2 * radius)} 0{half}{_short(-2 * radius)} 0z"
                continue
        at_x, at_y = step.x, step.y


def pdf(symbol: Symbol, drawing: Drawing) -> bytes:
    """A PDF of one page, `size` points wide and high."""
    content = zlib.compress(_page(symbol, drawing).encode())
    return _pdf_file(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Resources<<>>/MediaBox[0 0 %d %d]/Contents 4 0 R>>" % (drawing.size, drawing.size),
        b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(content), content),
    )


def _pdf_file(*objects: bytes) -> bytes:
    """The objects, numbered from 1 (which is the catalog), and the table of where they stand."""
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj%b endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    entries, start = len(objects) + 1, len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R>>\n" % (entries, table, entries)
    return bytes(file) + b"startxref\n%d\n%%%%EOF\n" % start


EPS_HEAD = """%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 {size} {size}
%%LanguageLevel: 2
%%Pages: 1
%%EndComments
/q{{gsave}}bind def /Q{{grestore}}bind def /cm{{6 array astore concat}}bind def /rg{{setrgbcolor}}bind def
/m{{moveto}}bind def /l{{lineto}}bind def /c{{curveto}}bind def /h{{closepath}}bind def /f{{fill}}bind def
"""


def eps(symbol: Symbol, drawing: Drawing) -> bytes:
    """An EPS file, `size` points wide and high. Its operators are named as PDF's, so that both hold the same page."""
    page = _page(symbol, drawing)
    return f"{EPS_HEAD.format(size=drawing.size)}{page}%%EOF\n".encode()


def _page(symbol: Symbol, drawing: Drawing) -> str:
    """PDF operators, one a line. The matrix makes the unit a module and turns y downwards."""
    size = drawing.size
    lines = ["q"]
    if drawing.background is not None:
        lines += [_fill_colour(drawing.background), "0 0 m", f"{size} 0 l", f"{size} {size} l", f"0 {size} l", "h", "f"]
    scale = size / (symbol.size + 2 * drawing.margin)
    left, top = drawing.margin * scale, size - drawing.margin * scale
    lines += [_fill_colour(drawing.foreground), f"{scale:.6f} 0 0 {-scale:.6f} {left:.6f} {top:.6f} cm"]
    lines += _page_steps(steps(symbol, drawing.style))
    return "\n".join([*lines, "f", "Q", ""])


def _fill_colour(colour: Colour) -> str:
    return " ".join(f"{part / 255:.4g}" for part in colour) + " rg"


def _page_steps(path: Iterator[Step]) -> Iterator[str]:
    at = (0.0, 0.0)
    for step in path:
        match step:
            case Move(x, y):
                yield f"{_short(x)} {_short(y)} m"
            case Line(x, y):
                yield f"{_short(x)} {_short(y)} l"
            case Arc():
                yield _curve(at, step)
            case Close():
                yield "h"
                continue
            case Disc(x, y, radius):
                yield from _disc(x, y, radius)
                continue
        at = (step.x, step.y)


def _curve(at: tuple[float, float], arc: Arc) -> str:
    """`arc` as a cubic curve from `at`."""
    numbers = (
        at[0] + (arc.corner_x - at[0]) * KAPPA,
        at[1] + (arc.corner_y - at[1]) * KAPPA,
        arc.x + (arc.corner_x - arc.x) * KAPPA,
        arc.y + (arc.corner_y - arc.y) * KAPPA,
        arc.x,
        arc.y,
    )
    return " ".join(_short(number) for number in numbers) + " c"


def _disc(x: float, y: float, radius: float) -> Iterator[str]:
    """A circle as four arcs, clockwise from its top."""
    left, top, right, bottom = x - radius, y - radius, x + radius, y + radius
    yield f"{_short(x)} {_short(top)} m"
    yield _curve((x, top), Arc(right, top, right, y))
    yield _curve((right, y), Arc(right, bottom, x, bottom))
    yield _curve((x, bottom), Arc(left, bottom, left, y))
    yield _curve((left, y), Arc(left, top, x, top))
    yield "h"


def _short(number: float) -> str:
    """At most three decimals: a thousandth of a module."""
    return f"{number:.3f}".rstrip("0").rstrip(".") if number % 1 else f"{number:.0f}"
