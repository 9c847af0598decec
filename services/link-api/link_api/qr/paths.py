"""Outlines as steps of a pen, the same for every vector format and style."""

from collections.abc import Iterator
from typing import NamedTuple

from link_api.qr.shapes import RADIUS, STEPS, Corner, outlines, without_finders
from link_api.qr.symbol import Symbol


class Move(NamedTuple):
    """Begin an outline here."""

    x: float
    y: float


class Line(NamedTuple):
    x: float
    y: float


class Arc(NamedTuple):
    """A clockwise quarter of a circle from where the pen is to (x, y), towards the corner that it rounds."""

    corner_x: float
    corner_y: float
    x: float
    y: float


class Close(NamedTuple):
    """End the outline where it began."""


class Disc(NamedTuple):
    x: float
    y: float
    radius: float


Step = Move | Line | Arc | Close | Disc


def steps(symbol: Symbol, style: str) -> Iterator[Step]:
    """The dark area in that style."""
    if style == "dots":
        finders, rest = without_finders(symbol)
        yield from _lined(finders, rounded=True)
        yield from _dots(rest)
    else:
        yield from _lined(symbol, rounded=style == "rounded")


def _dots(symbol: Symbol) -> Iterator[Step]:
    for y, row in enumerate(symbol.rows):
        for x, dark in enumerate(row):
            if dark:
                yield Disc(x + 0.5, y + 0.5, RADIUS)


def _lined(symbol: Symbol, *, rounded: bool) -> Iterator[Step]:
    for outline in outlines(symbol):
        begun = False
        for corner in outline:
            come, arc = _corner(corner, rounded)
            yield Line(*come) if begun else Move(*come)
            begun = True
            if arc is not None:
                yield arc
        yield Close()


def _corner(corner: Corner, rounded: bool) -> tuple[tuple[float, float], Arc | None]:
    """Where the straight line before the corner ends, and the arc after it. Only what sticks out is rounded."""
    if not (rounded and corner.is_convex):
        return (corner.x, corner.y), None
    (come_x, come_y), (go_x, go_y) = STEPS[corner.come], STEPS[corner.go]
    end = (corner.x + go_x * RADIUS, corner.y + go_y * RADIUS)
    return (corner.x - come_x * RADIUS, corner.y - come_y * RADIUS), Arc(corner.x, corner.y, *end)
