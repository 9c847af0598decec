from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.ids import base62, new_click_id, new_id
from codeqr_common.times import iso, now_ms, to_ms


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_id("link") for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert all(len(one) == len("link_") + 22 for one in ids)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_base62_keeps_the_order(one: int, other: int) -> None:
    assert (base62(one) < base62(other)) == (one < other)
    assert len(base62(one)) == 22


def test_click_ids_are_22_base62_characters() -> None:
    ids = {new_click_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 22 and one.isalnum() and one.isascii() for one in ids)


def test_iso_has_milliseconds_and_z() -> None:
    assert iso(1757161267873) == "2025-09-06T12:21:07.873Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(-53_180_000_000_000).startswith("0284-")


@given(st.integers(0, 4_000_000_000_000))
def test_iso_is_read_back(milliseconds: int) -> None:
    assert to_ms(datetime.fromisoformat(iso(milliseconds))) == milliseconds


def test_to_ms_takes_any_zone_and_refuses_none() -> None:
    there = datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=3)))
    assert to_ms(there) == to_ms(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="zone"):
        to_ms(datetime(2026, 1, 1))
    assert abs(now_ms() - to_ms(datetime.now(UTC))) < 1000
