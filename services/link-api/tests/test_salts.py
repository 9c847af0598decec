"""When a day's salt exists."""

from datetime import UTC, date, datetime

import pytest

from link_api.salts.service import is_destroyed, is_too_early

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "destroyed", "early"),
    [(8, True, False), (9, False, False), (10, False, False), (11, False, False), (12, False, True)],
)
def test_salt_lives_from_a_day_before_to_48_hours_after_its_day_began(day: int, destroyed: bool, early: bool) -> None:
    assert is_destroyed(date(2026, 3, day), NOON) is destroyed
    assert is_too_early(date(2026, 3, day), NOON) is early
