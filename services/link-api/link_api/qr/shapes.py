"""The dark area of a code as outlines, in units of modules from its upper left corner, y downwards.

Outlines go clockwise around what is dark and counter-clockwise around holes, so that the non-zero rule fills them. An
area is one outline, not a heap of squares: squares that merely touch show hairlines between them wherever a viewer
smooths edges.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from link_api.qr.symbol import Symbol

RADIUS = 0.5
"""Of a rounded corner and of a dot: a rounded module that stands alone is a dot. Dots must touch: with a radius of 0.4,
of 96 pictures OpenCV's two decoders read 71 and 47, with 0.5 they read 94 and 90 (zxing and zbar read all of them)."""

RIGHT, DOWN, LEFT, UP = range(4)
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True)
class Corner:
    """A point where an outline turns, with the directions in which it comes and goes."""

    x: int
    y: int
    come: int
    go: int

    @property
    def is_convex(self) -> bool:
        """Whether what is dark sticks out here."""
        return (self.come + 1) % 4 == self.go


Outline = list[Corner]


def outlines(symbol: Symbol) -> Iterator[Outline]:
    """The outlines of all dark modules. Areas that meet only at a corner are two areas."""
    leaving = _edges(symbol)
    while leaving:
        start = next(iter(leaving))
        yield _outline(leaving, *start)


def _edges(symbol: Symbol) -> dict[tuple[int, int], list[int]]:
    """For each point of the grid, the directions in which an edge between dark and light leaves it."""
    leaving: dict[tuple[int, int], list[int]] = {}
    for y, row in enumerate(symbol.rows):
        for x, dark in enumerate(row):
            if not dark:
                continue
            if not symbol.is_dark(x, y - 1):
                leaving.setdefault((x, y), []).append(RIGHT)
            if not symbol.is_dark(x + 1, y):
                leaving.setdefault((x + 1, y), []).append(DOWN)
            if not symbol.is_dark(x, y + 1):
                leaving.setdefault((x + 1, y + 1), []).append(LEFT)
            if not symbol.is_dark(x - 1, y):
                leaving.setdefault((x, y + 1), []).append(UP)
    return leaving


def _outline(leaving: dict[tuple[int, int], list[int]], x: int, y: int) -> Outline:
    """Take the outline through a point out of `leaving`."""
    corners: Outline = []
    first = come = go = leaving[x, y][0]
    begin = (x, y)
    while True:
        step = STEPS[go]
        x, y = x + step[0], y + step[1]
        come = go
        if (x, y) == begin and _turn(leaving, x, y, come) == first:
            break
        go = _turn(leaving, x, y, come)
        _take(leaving, x, y, go)
        if go != come:
            corners.append(Corner(x, y, come, go))
    _take(leaving, x, y, first)
    if first != come:
        corners.append(Corner(x, y, come, first))
    return corners


def _turn(leaving: dict[tuple[int, int], list[int]], x: int, y: int, come: int) -> int:
    """Where an outline goes on; where two modules meet at this corner only, around its own."""
    choices = leaving[x, y]
    around = (come + 1) % 4
    return around if around in choices else choices[0]


def _take(leaving: dict[tuple[int, int], list[int]], x: int, y: int, direction: int) -> None:
    choices = leaving[x, y]
    choices.remove(direction)
    if not choices:
        del leaving[x, y]


def without_finders(symbol: Symbol) -> tuple[Symbol, Symbol]:
    """The finder squares alone, and all the rest."""
    finders, rest = [], []
    for y, row in enumerate(symbol.rows):
        inside = bytes(dark and symbol.is_finder(x, y) for x, dark in enumerate(row))
        finders.append(inside)
        rest.append(bytes(dark - own for dark, own in zip(row, inside, strict=True)))
    return Symbol(tuple(finders)), Symbol(tuple(rest))
