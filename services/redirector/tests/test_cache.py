from codeqr_common.short_links import LinkEntry
from redirector.cache import EntryCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache(size: int = 3) -> tuple[EntryCache[str, LinkEntry], Clock]:
    clock = Clock()
    return EntryCache(size, lambda: 10.0, clock), clock


def test_a_hit_never_extends_an_entry() -> None:
    entries, clock = cache()
    entries.put("a", LinkEntry(1))
    for clock.now in (3.0, 6.0, 9.9):
        assert entries.fresh("a") == LinkEntry(1)
    clock.now = 10.0
    assert entries.fresh("a") is None
    assert entries.stale("a") == LinkEntry(1)


def test_an_event_drops_what_is_older_and_keeps_it_out() -> None:
    entries, _ = cache()
    entries.put("a", LinkEntry(1))
    entries.changed("a", 5)
    assert entries.stale("a") is None
    assert not entries.accepts("a", LinkEntry(4))
    assert entries.accepts("a", LinkEntry(5))
    entries.put("a", LinkEntry(5))
    entries.changed("a", 5)
    entries.changed("a", 4)
    assert entries.fresh("a") == LinkEntry(5)


def test_an_event_for_a_key_that_never_was_drops_the_negative_entry() -> None:
    entries, _ = cache()
    entries.put("a", LinkEntry(0))
    entries.changed("a", 1)
    assert entries.stale("a") is None
    assert not entries.accepts("a", LinkEntry(0))


def test_it_holds_so_many_and_throws_out_the_least_used() -> None:
    entries, _ = cache(3)
    for name in "abc":
        entries.put(name, LinkEntry(1))
    entries.fresh("a")
    entries.put("d", LinkEntry(1))
    assert len(entries) == 3
    assert entries.stale("b") is None
    assert entries.stale("a") is not None
    for number in range(100):
        entries.changed(str(number), 1)
    assert len(entries._floors) == 3


def test_doubt_makes_everything_stale() -> None:
    entries, _ = cache()
    entries.put("a", LinkEntry(1))
    entries.expire_all()
    assert entries.fresh("a") is None
    assert entries.stale("a") == LinkEntry(1)
