"""A bounded map of what was resolved. An entry that is over its time stays, for when nothing behind it answers."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from codeqr_common.short_links import DomainEntry, LinkEntry

Name = TypeVar("Name", bound=Hashable)
Entry = TypeVar("Entry", LinkEntry, DomainEntry)


class EntryCache(Generic[Name, Entry]):
    """Entries by name, the least recently used thrown out beyond `size`.

    Versions that events have told are floors: an older answer is not taken, however it comes. A hit never makes an
    entry live longer. `ttl_s` is asked at each `put`.
    """

    def __init__(self, size: int, ttl_s: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: OrderedDict[Name, tuple[Entry, float]] = OrderedDict()
        self._floors: OrderedDict[Name, int] = OrderedDict()

    def fresh(self, name: Name) -> Entry | None:
        """The entry, if it is within its time."""
        found = self._entries.get(name)
        if found is None or found[1] <= self._clock():
            return None
        self._entries.move_to_end(name)
        return found[0]

    def stale(self, name: Name) -> Entry | None:
        """The entry, however old."""
        found = self._entries.get(name)
        return None if found is None else found[0]

    def accepts(self, name: Name, entry: Entry) -> bool:
        """Whether the entry is at least as new as all that is known of its name."""
        known = self._entries.get(name)
        return entry.version >= self._floors.get(name, 0) and (known is None or entry.version >= known[0].version)

    def put(self, name: Name, entry: Entry) -> None:
        """Keep an entry for its time. The caller has seen to it that it is new enough."""
        self._entries[name] = (entry, self._clock() + self._ttl_s())
        self._entries.move_to_end(name)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def changed(self, name: Name, version: int) -> None:
        """An event told of this version: what is older is dropped and not taken again."""
        known = self._entries.get(name)
        if known is not None and known[0].version < version:
            del self._entries[name]
        self._floors[name] = max(version, self._floors.get(name, 0))
        self._floors.move_to_end(name)
        if len(self._floors) > self._size:
            self._floors.popitem(last=False)

    def expire_all(self) -> None:
        """Ask again for everything; what is there still answers while nobody can be asked."""
        self._entries = OrderedDict((name, (entry, 0.0)) for name, (entry, _) in self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)
