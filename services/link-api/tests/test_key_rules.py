"""Keys: what they may hold, and the draw of random ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.short_links import fold_key
from link_api.links.key_rules import RANDOM_ALPHABET, ReservedKey, random_key, short_key


@pytest.mark.parametrize(
    ("given_key", "key"),
    [
        ("promo", "promo"),
        ("/Promo/", "Promo"),
        ("a/b-c_d.e", "a/b-c_d.e"),
        ("ü-ß", "ü-ß"),
        ("हिन्दी", "हिन्दी"),
        ("❤️", "❤️"),
        ("1️⃣", "1️⃣"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("👩🏽‍💻", "👩🏽‍💻"),
        ("🤷‍♀️", "🤷‍♀️"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("x" * 190, "x" * 190),
        ("robots", "robots"),
    ],
)
def test_taken(given_key: str, key: str) -> None:
    assert short_key(given_key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "///",
        "a//b",
        "a/../b",
        ".",
        "_x",
        ".well-known/x",
        ".Well-Known",
        "index.php",
        "INDEX.PHP",
        "stats+",
        "a b",
        "a?b",
        "a#b",
        "a%20b",
        "a\\b",
        "a\x00",
        "a\ud800",
        "a\u200db",
        "a\u200bb",
        "a\u202eb",
        "a\u2066b",
        "a\u00adb",
        "a\u3164b",
        "a\u2800b",
        "a\ufe01",
        "\ufe0f",
        "x" * 191,
    ],
)
def test_refused(key: str) -> None:
    with pytest.raises(ValueError):
        short_key(key)


@pytest.mark.parametrize("key", ["robots.txt", "Favicon.ICO", "/healthz/", "METRICS", "apple-app-site-association"])
def test_reserved(key: str) -> None:
    with pytest.raises(ReservedKey):
        short_key(key)


@given(st.text(max_size=30))
def test_a_key_that_is_taken_stays_as_it_is_and_folds_to_one_form(text: str) -> None:
    try:
        key = short_key(text)
    except ValueError:
        return
    assert key == text.strip("/")
    assert short_key(key) == key
    assert fold_key(fold_key(key)) == fold_key(key)


@given(st.sampled_from([None, "", "/promo/", "a/b"]), st.none() | st.integers(3, 60))
def test_random_keys(prefix: str | None, length: int | None) -> None:
    key = random_key(prefix, length)
    start = f"{prefix.strip('/')}/" if prefix else ""
    assert key.startswith(start)
    drawn = key.removeprefix(start)
    assert len(drawn) == (length or 7)
    assert set(drawn) <= set(RANDOM_ALPHABET)
    assert not set(RANDOM_ALPHABET) & set("0o1li")
