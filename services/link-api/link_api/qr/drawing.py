"""What is drawn: one picture, fully determined."""

from typing import Literal

import msgspec

from link_api.qr.colours import Colour
from link_api.qr.symbol import Level

Format = Literal["png", "svg", "pdf", "webp", "jpeg", "eps"]
Style = Literal["square", "rounded", "dots"]

RENDERER = 1
"""To be raised with every change of what is drawn: it is a part of every ETag."""


class Drawing(msgspec.Struct, frozen=True):
    """Equal drawings are equal files, as long as `RENDERER` stays the same."""

    content: str
    size: int
    """Of each side: pixels; points in PDF and EPS; CSS pixels in SVG."""
    level: Level
    foreground: Colour
    background: Colour | None
    """None is transparent."""
    margin: int
    """In modules, on each side."""
    format: Format
    style: Style
