"""Colours: how callers write them, and whether scanners can tell two of them apart."""

import re

Colour = tuple[int, int, int]
"""Red, green and blue, 0–255."""

WHITE: Colour = (255, 255, 255)
_HEX = re.compile(r"(?:#|%23)?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE | re.ASCII)


def parse_colour(text: str) -> Colour | None:
    """`#RGB` or `#RRGGBB`, in any case; the `#` may be absent or escaped twice. None if it is neither."""
    found = _HEX.fullmatch(text)
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    return (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))


def to_hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luma(colour: Colour) -> float:
    """The brightness that a decoder sees, 0–255: they turn pictures grey by ITU-R BT.601."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def blend(background: Colour, foreground: Colour, share: float) -> Colour:
    """`share` of the foreground (0–1) over the background."""
    red, green, blue = (round(b + (f - b) * share) for b, f in zip(background, foreground, strict=True))
    return (red, green, blue)
