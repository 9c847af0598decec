from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.delivery.schedule import Delivered, Failed, Gone, Retry, outcome_of, retry_after_s

DELAYS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
failures = st.one_of(st.none(), st.integers(100, 199), st.integers(300, 409), st.integers(411, 599))
jitters = st.floats(-1, 1)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert outcome_of(status, None, 0, DELAYS, 0) == Delivered()


@pytest.mark.parametrize("status", [None, 199, 301, 302, 307, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    assert outcome_of(status, None, 0, DELAYS, 0) == Retry(5.0)


@pytest.mark.parametrize("earlier", [0, 5, 9])
def test_gone_ends_it_at_once(earlier: int) -> None:
    assert outcome_of(410, None, earlier, DELAYS, 0) == Gone()


@given(failures, jitters)
def test_there_are_as_many_retries_as_delays(status: int | None, jitter: float) -> None:
    outcomes = [outcome_of(status, None, earlier, DELAYS, jitter) for earlier in range(len(DELAYS) + 1)]
    assert [type(outcome) for outcome in outcomes] == [Retry] * len(DELAYS) + [Failed]


@given(failures, st.integers(0, len(DELAYS) - 1), jitters)
def test_jitter_moves_a_delay_by_a_fifth_at_most(status: int | None, earlier: int, jitter: float) -> None:
    outcome = outcome_of(status, None, earlier, DELAYS, jitter)
    assert isinstance(outcome, Retry)
    assert DELAYS[earlier] * 0.799 <= outcome.delay_s <= DELAYS[earlier] * 1.201


@given(st.sampled_from([429, 503]), st.floats(0, 1e9), st.integers(0, len(DELAYS) - 1), jitters)
def test_retry_after_is_obeyed_up_to_twice_the_slot(status: int, wish: float, earlier: int, jitter: float) -> None:
    slot = DELAYS[earlier]
    outcome = outcome_of(status, wish, earlier, DELAYS, jitter)
    assert isinstance(outcome, Retry)
    assert outcome.delay_s >= min(wish, 2 * slot)
    assert outcome.delay_s <= max(2 * slot, 1.2 * slot)


def test_retry_after_of_other_statuses_changes_nothing() -> None:
    assert outcome_of(500, 9.0, 0, DELAYS, 0) == Retry(5.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("120", 120.0), (" 7 ", 7.0), (None, None), ("", None), ("-1", None), ("soon", None), ("1.5", None)],
)
def test_retry_after_in_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 1_000_000.0) == seconds


@pytest.mark.parametrize(
    "header",
    [
        "Mon, 99999999999 Jan 2020 00:00:00 GMT",
        "Mon, 1 Jan 99999999999 00:00:00 GMT",
        "Mon, 1 Jan 2020 00:00:00 +99999999999",
    ],
)
def test_a_date_that_no_calendar_has_counts_as_none(header: str) -> None:
    assert retry_after_s(header, 1_000_000.0) is None


def test_retry_after_as_a_date() -> None:
    now = datetime(2025, 9, 6, 12, 0, 0, tzinfo=UTC)
    later = format_datetime(now.replace(minute=1), usegmt=True)
    assert retry_after_s(later, now.timestamp()) == 60.0
    assert retry_after_s(later, now.replace(hour=13).timestamp()) == 0.0


@given(st.text())
def test_retry_after_never_fails(header: str) -> None:
    seconds = retry_after_s(header, 0.0)
    assert seconds is None or seconds >= 0
