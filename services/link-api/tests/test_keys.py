"""What keys may do, what bodies about them hold, and how they are shown."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from codeqr_common.auth.keys import SCOPES
from codeqr_common.errors import ApiError
from link_api.keys.powers import UNLIMITED, Powers, check_rank, expanded, lower_limit
from link_api.keys.repository import expiry
from link_api.keys.representation import token_of, with_secret, without_secret
from link_api.keys.schemas import ChangeToken, CreateToken, RotateToken

NOW = datetime(2025, 9, 6, 12, 21, 7, 873000, UTC)
LATER = NOW + timedelta(days=1)
READ = ("links.read", "tags.read")
ROW: dict[str, Any] = {
    "id": "tok_1",
    "project_id": "proj_1",
    "user_id": "user_1",
    "name": "a key",
    "hash": "h",
    "last_four": "abcd",
    "scopes": ["links.read"],
    "rate_limit": 3000,
    "publishable": False,
    "expires_at": None,
    "last_used": None,
    "previous_hash": None,
    "previous_until": None,
    "created_at": NOW,
    "updated_at": None,
}


def test_presets_are_expanded_and_scopes_come_once_in_the_usual_order() -> None:
    assert expanded(["all"]) == SCOPES
    assert set(expanded(["read"])) == {scope for scope in SCOPES if scope.endswith(".read")}
    assert expanded(["tags.read", "links.read", "tags.read"]) == READ
    assert expanded(["read", "links.write"])[:2] == ("links.read", "links.write")


@pytest.mark.parametrize("scope", ["links", "links.*", "LINKS.READ", "links.read ", "*", ""])
def test_an_unknown_scope_is_refused(scope: str) -> None:
    with pytest.raises(ValueError, match="is no scope"):
        expanded([scope])


@pytest.mark.parametrize(
    ("maker", "other"),
    [
        (Powers(READ, UNLIMITED, None), Powers(READ, UNLIMITED, None)),
        (Powers(READ, UNLIMITED, None), Powers(("tags.read",), 10, NOW)),
        (Powers(READ, 10, NOW), Powers(READ, 10, NOW)),
        (Powers(READ, 10, LATER), Powers((), 9, NOW)),
    ],
)
def test_a_key_may_make_one_that_may_not_more(maker: Powers, other: Powers) -> None:
    check_rank(maker, other)


@pytest.mark.parametrize(
    ("maker", "other", "said"),
    [
        (Powers(("links.read",), UNLIMITED, None), Powers(READ, UNLIMITED, None), "tags.read"),
        (Powers((), UNLIMITED, None), Powers(("links.read",), 1, NOW), "links.read"),
        (Powers(READ, 10, None), Powers(READ, 11, None), "10 requests"),
        (Powers(READ, 10, None), Powers(READ, UNLIMITED, None), "10 requests"),
        (Powers(READ, UNLIMITED, NOW), Powers(READ, UNLIMITED, None), "2025-09-06T12:21:07.873Z"),
        (Powers(READ, UNLIMITED, NOW), Powers(READ, UNLIMITED, LATER), "2025-09-06T12:21:07.873Z"),
    ],
)
def test_no_key_outranks_its_maker(maker: Powers, other: Powers, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_rank(maker, other)
    assert refused.value.code == "forbidden"
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("one", "other", "lower"), [(3000, 0, 3000), (0, 3000, 3000), (0, 0, 0), (3000, 10, 10), (10, 3000, 10)]
)
def test_unlimited_is_the_highest_limit(one: int, other: int, lower: int) -> None:
    assert lower_limit(one, other) == lower


@pytest.mark.parametrize(
    ("previous", "expires", "old_ends"), [(LATER, None, LATER), (LATER, NOW, NOW), (NOW, LATER, NOW)]
)
def test_the_older_secret_ends_with_the_overlap_or_with_the_key(
    previous: datetime, expires: datetime | None, old_ends: datetime
) -> None:
    row = ROW | {"previous_hash": "old", "previous_until": previous, "expires_at": expires}
    assert expiry(row, "old") == old_ends
    assert expiry(row, "h") == expires


@pytest.mark.parametrize("scopes", [["links.read", "tags.read"], "links.read,tags.read", " links.read , tags.read "])
def test_scopes_come_as_a_list_or_with_commas(scopes: Any) -> None:
    assert CreateToken.model_validate({"name": "a", "scopes": scopes}).scopes == READ


def test_both_spellings_and_numbers_with_a_point() -> None:
    body = {"name": " a ", "scopes": "read", "expires_at": "2030-01-02T03:04:05.6789+02:00", "rate_limit": 600.0}
    read = CreateToken.model_validate(body)
    assert (read.name, read.rate_limit) == ("a", 600)
    assert read.expires_at == datetime(2030, 1, 2, 1, 4, 5, 678000, UTC)
    assert ChangeToken.model_validate({"expiresAt": None}).model_fields_set == {"expires_at"}
    assert CreateToken.model_validate({"name": "a", "expiresAt": "2030-01-02T03:04:05"}).expires_at == datetime(
        2030, 1, 2, 3, 4, 5, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 191},
        {"name": "a\x00"},
        {"name": None},
        {"scopes": ["links"]},
        {"scopes": 3},
        {"scopes": {"links.read": True}},
        {"expiresAt": 1893456000},
        {"expiresAt": "1893456000"},
        {"expiresAt": "0.5"},
        {"rateLimit": True},
        {"expiresAt": "tomorrow"},
        {"expiresAt": "9999-12-31T23:59:59-23:00"},
        {"expiresAt": True},
        {"rateLimit": -1},
        {"rateLimit": 1.5},
        {"rateLimit": 1_000_001},
        {"publishable": "perhaps"},
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CreateToken.model_validate({"name": "a", "scopes": "read"} | wrong)


@pytest.mark.parametrize(("overlap", "fits"), [(0, True), (604_800, True), (604_801, False), (-1, False)])
def test_an_overlap_lasts_a_week_at_most(overlap: int, fits: bool) -> None:
    if fits:
        assert RotateToken(overlap=overlap).overlap == overlap
    else:
        with pytest.raises(ValidationError):
            RotateToken(overlap=overlap)
    assert RotateToken().overlap == 86_400


def test_usage_has_every_one_of_30_days() -> None:
    today = NOW.date()
    requests = {today: 5, today - timedelta(days=29): 7, today - timedelta(days=30): 100}
    usage = token_of(ROW, requests, NOW).usage
    dates = [date.fromisoformat(day.date) for day in usage.days]
    assert (len(dates), dates[-1]) == (30, today)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(dates))
    assert (usage.days[0].requests, usage.days[-1].requests, usage.last_30_days) == (7, 5, 12)


def test_a_key_is_shown_without_its_hash() -> None:
    shown = msgspec.to_builtins(token_of(ROW, {}, NOW))
    assert set(shown) == {
        *("id", "name", "scopes", "lastFour", "publishable", "rateLimit", "expiresAt", "lastUsed", "previousUntil"),
        *("userId", "projectId", "createdAt", "updatedAt", "usage"),
    }
    assert shown["updatedAt"] == shown["createdAt"] == "2025-09-06T12:21:07.873Z"
    assert set(shown["usage"]) == {"last30Days", "days"}


def test_a_repeat_is_the_answer_without_the_secret() -> None:
    token = token_of(ROW, {}, NOW)
    made = with_secret(token, "codeqr_secret")
    assert msgspec.to_builtins(made) == msgspec.to_builtins(token) | {"token": "codeqr_secret"}
    assert msgspec.to_builtins(without_secret(made)) == msgspec.to_builtins(token)


@pytest.mark.parametrize(
    ("previous_hash", "until", "shown"),
    [(None, None, None), ("old", NOW, None), ("old", LATER, "2025-09-07T12:21:07.873Z")],
)
def test_the_overlap_is_shown_while_it_lasts(previous_hash: str | None, until: datetime | None, shown: Any) -> None:
    row = ROW | {"previous_hash": previous_hash, "previous_until": until}
    assert token_of(row, {}, NOW).previous_until == shown
