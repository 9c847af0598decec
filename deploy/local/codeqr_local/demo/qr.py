"""A QR code as text: two rows of modules in one row of characters."""

import segno
from rich.text import Text

MARGIN = 2
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def draw(content: str) -> Text:
    """The code of `content` at level L, dark on light whatever the terminal's colours are."""
    rows = [list(row) for row in segno.make(content, micro=False, error="l").matrix_iter(border=MARGIN)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    lines = (
        "".join(_HALVES[bool(upper), bool(lower)] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(rows[::2], rows[1::2], strict=True)
    )
    return Text("\n".join(lines), style="black on bright_white", no_wrap=True)
