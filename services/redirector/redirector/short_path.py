"""What a request's path asks for."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_KEY = 1000
"""Longer than any key (190 characters) in any spelling: such a path is answered without asking anybody."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class ShortPath:
    """A decoded path."""

    text: str | None
    """Percent-decoded, with its leading slash; None if it cannot be decoded."""
    key: str | None
    """What a link is looked up by, before folding; None where no link can be."""
    inspect: bool = False
    """The path ended in one `+`, which is not part of the key."""


def parse_path(raw: bytes) -> ShortPath:
    """Decode the raw path of a request. Never raises."""
    try:
        text = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        return ShortPath(None, None)
    key = text.strip("/")
    inspect = key.endswith("+") and not key.endswith("++")
    key = key.removesuffix("+") if inspect else key
    if not key or len(key) > MAX_KEY or CONTROLS.search(key):
        return ShortPath(text, None, inspect)
    return ShortPath(text, key, inspect)
