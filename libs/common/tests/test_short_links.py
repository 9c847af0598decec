import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.short_links import fold_key


@pytest.mark.parametrize(
    ("key", "folded"),
    [
        ("Promo", "promo"),
        ("a/B-c_D.e", "a/b-c_d.e"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\u2764\ufe0f", "\u2764"),
        ("ΣΑΣ", "σασ"),
    ],
)
def test_keys_fold(key: str, folded: str) -> None:
    assert fold_key(key) == folded


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing(key: str) -> None:
    assert fold_key(fold_key(key)) == fold_key(key)
