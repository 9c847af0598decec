"""A small cache in the process: entries that live for a fixed time."""

import time
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Expiring(Generic[Key, Value]):
    """Keeps at most `most` entries, each for `seconds`. When it is full it starts anew."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._entries: dict[Key, tuple[Value, float]] = {}

    def get(self, key: Key) -> Value | None:
        entry = self._entries.get(key)
        return None if entry is None or time.monotonic() >= entry[1] else entry[0]

    def put(self, key: Key, value: Value) -> None:
        if len(self._entries) >= self._most:
            self._entries.clear()
        self._entries[key] = (value, time.monotonic() + self._seconds)

    def clear(self) -> None:
        self._entries.clear()
