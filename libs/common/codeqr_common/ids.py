"""Ids: `<prefix>_` and the base62 of a UUIDv7, so that they sort by the time they were made."""

import os

import uuid_utils

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
"""Two digits at a time are half the work."""
LENGTH = 22  # base62 characters that 128 bits need


def base62(number: int, length: int = LENGTH) -> str:
    """`number` in base 62, padded to `length`; order is kept, for the alphabet is in ASCII order."""
    pairs: list[str] = []
    while number:
        number, pair = divmod(number, 3844)
        pairs.append(PAIRS[pair])
    pairs.reverse()
    return "".join(pairs).lstrip("0").rjust(length, "0")


def new_id(prefix: str) -> str:
    """A new id such as `link_06FZ…`: the prefix, an underscore and 22 base62 characters."""
    return id_and_time(prefix)[0]


def id_and_time(prefix: str) -> tuple[str, int]:
    """A new id and the time that it was made of, in milliseconds since the epoch."""
    number = uuid_utils.uuid7().int
    return f"{prefix}_{base62(number)}", number >> 80


def first_id(prefix: str, milliseconds: int) -> str:
    """The least id that a time, in milliseconds since the epoch, can give: to look ids up by time."""
    return f"{prefix}_{base62(milliseconds << 80)}"


def new_click_id() -> str:
    """22 base62 characters of 128 random bits: unguessable and safe in a URL."""
    return base62(int.from_bytes(os.urandom(16), "big"))
