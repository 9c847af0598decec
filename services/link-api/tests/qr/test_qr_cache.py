"""What the cache keeps, and what it lets go."""

from link_api.qr.cache import FileCache


def test_the_longest_unused_go_first() -> None:
    cache = FileCache(12)
    for name in ("a", "b", "c", "d"):
        cache.put(name, name.encode() * 3)
    assert cache.get("a") == b"aaa"
    cache.put("e", b"eee")
    assert [cache.get(name) for name in "abcde"] == [b"aaa", None, b"ccc", b"ddd", b"eee"]


def test_a_large_file_does_not_push_out_all_others() -> None:
    cache = FileCache(12)
    cache.put("a", b"aaa")
    cache.put("large", b"1234")
    assert (cache.get("large"), cache.get("a")) == (None, b"aaa")


def test_the_same_file_twice_is_kept_once() -> None:
    cache = FileCache(12)
    for _ in range(5):
        cache.put("a", b"aaa")
    cache.put("b", b"bbb")
    assert (cache.get("a"), cache.get("b")) == (b"aaa", b"bbb")
