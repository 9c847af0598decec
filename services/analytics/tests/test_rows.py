import json
from collections.abc import Callable

import pytest

from analytics.ingest.rows import COLUMNS, decode, json_columns
from codeqr_common.events.clicks import ClickEvent, encode

MakeClick = Callable[..., ClickEvent]


def test_every_field_of_a_click_has_a_column() -> None:
    assert set(ClickEvent.__struct_fields__) - set(COLUMNS) == {"schema"}
    assert set(COLUMNS) - set(ClickEvent.__struct_fields__) == {"stream", "partition", "offset"}


def test_columns_hold_all_clicks_in_order(make_click: MakeClick) -> None:
    clicks = [(7, make_click(visitor=None, bot=True, bot_reason="ua")), (9, make_click(visitor="v", qr=True))]

    columns = json.loads(json_columns("cluster/click.events", 3, clicks))

    assert set(columns) == set(COLUMNS)
    assert columns["offset"] == [7, 9]
    assert columns["stream"] == ["cluster/click.events"] * 2
    assert columns["partition"] == [3, 3]
    assert columns["visitor"] == ["", "v"]
    assert columns["bot"] == [True, False]
    assert columns["bot_reason"] == ["ua", ""]
    assert columns["qr"] == [False, True]
    assert columns["time"] == ["2025-09-06T12:21:07.873"] * 2


def test_decode_gives_the_click_back(make_click: MakeClick) -> None:
    click = make_click(country="BR", referrer="news.example")
    assert decode(encode(click)) == click


@pytest.mark.parametrize(
    ("field", "value"),
    [("time", -1), ("time", 946_684_799_999), ("time", 4_102_444_800_000), ("position", -1), ("position", 2**64)],
)
def test_what_the_table_cannot_hold_is_refused(make_click: MakeClick, field: str, value: int) -> None:
    with pytest.raises(ValueError, match=field):
        decode(encode(make_click(**{field: value})))


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"{}", b'{"id": 1}'])
def test_what_is_no_click_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        decode(value)
