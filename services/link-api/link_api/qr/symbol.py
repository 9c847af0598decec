"""Text as a QR code: which modules are dark."""

from dataclasses import dataclass
from typing import Literal

import segno

Level = Literal["L", "M", "Q", "H"]
FINDER = 7


@dataclass(frozen=True)
class Symbol:
    """The modules of a code, without the margin around them."""

    rows: tuple[bytes, ...]
    """1 is dark; as many rows as columns."""

    @property
    def size(self) -> int:
        return len(self.rows)

    def is_dark(self, x: int, y: int) -> bool:
        """Whether the module in column `x` and row `y` is dark; what is outside is light."""
        return 0 <= x < self.size and 0 <= y < self.size and self.rows[y][x] == 1

    def is_finder(self, x: int, y: int) -> bool:
        """Whether the module belongs to one of the three big squares by which scanners find the code."""
        far = self.size - FINDER
        return (x < FINDER and (y < FINDER or y >= far)) or (x >= far and y < FINDER)


def encode(content: str, level: Level) -> Symbol | None:
    """The smallest code that holds `content` at exactly this level of error correction; None if none does.

    Text that is not ASCII is UTF-8 without a mark of that (ECI): scanners recognise it, and some fail at the mark.
    """
    try:
        code = segno.make_qr(content, error=level, boost_error=False, encoding="utf-8")
    except segno.DataOverflowError:
        return None
    return Symbol(tuple(bytes(row) for row in code.matrix))
