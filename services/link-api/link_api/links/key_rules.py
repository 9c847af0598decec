"""Keys: what they may hold, which are reserved, and random ones (contract 2.2)."""

import re
import secrets
import unicodedata

from codeqr_common.short_links import fold_key

MAX_LENGTH = 190
RANDOM_LENGTH = 7
RANDOM_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Lower case, without look-alikes: no 0 o 1 l i."""

RESERVED = frozenset(
    fold_key(key)
    for key in (
        "robots.txt",
        "favicon.ico",
        "sitemap.xml",
        "manifest.json",
        "manifest.webmanifest",
        "apple-app-site-association",
        "healthz",
        "readyz",
        "metrics",
    )
)

PLAIN = re.compile(r"[A-Za-z0-9_./-]*")
JOINER = "\u200d"
VARIATION_SELECTOR = "\ufe0f"
BLACK_FLAG_TAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
"""Flags of regions such as Scotland: the only use of tag characters."""
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default-ignorable characters of Unicode, direction marks and blanks: two keys must not look the same and differ."""
SYMBOLS_THAT_ARE_EMOJI = frozenset("‼⁉↔↕◽◾◻◼⤴⤵〰")
"""Emoji whose general category is not So."""
KEYCAP = "\u20e3"


class ReservedKey(ValueError):
    """The key is kept for the system."""


def short_key(text: str) -> str:
    """`text` without outer slashes, if it is a key. Raises `ValueError` with a phrase, or `ReservedKey`."""
    key = text.strip("/")
    if not key:
        raise ValueError("is empty")
    if len(key) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if not PLAIN.fullmatch(key):
        _check_characters(key)
    folded = fold_key(key)
    _check_form(folded)
    if folded in RESERVED:
        raise ReservedKey(f"{key} is reserved")
    return key


def random_key(prefix: str | None, length: int | None) -> str:
    """A random key, after `prefix` and a slash if there is one. May be taken, or reserved: draw again then."""
    drawn = _drawn(length or RANDOM_LENGTH)
    return f"{prefix.strip('/')}/{drawn}" if prefix and prefix.strip("/") else drawn


def _drawn(length: int) -> str:
    """Letters of the alphabet, each as likely as the others: bytes beyond its largest multiple are thrown away."""
    letters: list[str] = []
    while len(letters) < length:
        letters += [RANDOM_ALPHABET[byte % 31] for byte in secrets.token_bytes(length + 4) if byte < 248]
    return "".join(letters[:length])


def _check_form(folded: str) -> None:
    if not folded:
        raise ValueError("is empty")
    if folded.startswith(("_", ".well-known")):
        raise ValueError("may not start with _ or .well-known")
    if folded.endswith(".php"):
        raise ValueError("may not end in .php")
    if any(segment in ("", ".", "..") for segment in folded.split("/")):
        raise ValueError("holds an empty, . or .. segment")


def _check_characters(key: str) -> None:
    visible = BLACK_FLAG_TAGS.sub("\U0001f3f4", key)
    for position, character in enumerate(visible):
        if character == JOINER:
            allowed = _joins_emoji(visible, position)
        elif character == VARIATION_SELECTOR:
            allowed = position > 0
        else:
            allowed = bool(PLAIN.fullmatch(character)) or _is_letter_or_emoji(character)
        if not allowed:
            raise ValueError(f"may not hold U+{ord(character):04X}")


def _is_letter_or_emoji(character: str) -> bool:
    if character.isascii() or INVISIBLE.match(character):
        return False
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd" or _is_emoji(character)


def _is_emoji(character: str) -> bool:
    code = ord(character)
    category = unicodedata.category(character)
    if 0x1F000 <= code <= 0x1FAFF:
        return category in ("So", "Sk", "Cn")  # Cn: emoji newer than this Python's tables
    return category == "So" or character == KEYCAP or character in SYMBOLS_THAT_ARE_EMOJI


def _joins_emoji(key: str, position: int) -> bool:
    before = key[:position].rstrip(VARIATION_SELECTOR)[-1:]
    after = key[position + 1 : position + 2]
    return bool(before and after) and _is_emoji(before) and (_is_emoji(after) or after in "♀♂")
