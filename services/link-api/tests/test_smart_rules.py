"""Smart rules: which are taken, and how they are kept."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from link_api.links.smart_rules import Rules, stored

RULES: TypeAdapter[Any] = TypeAdapter(Rules)
CONDITION = {"attribute": "country", "operator": "equals", "value": "BR"}
SPLIT = [{"url": "https://a.com", "weight": 50}, {"url": "https://b.com", "weight": 50}]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{**CONDITION, "url": "https://a.com"}],
        [{**CONDITION, "split": SPLIT}],
        [{"split": SPLIT}],
        [{**CONDITION, "url": "https://a.com"}, {"split": SPLIT}],
    ],
)
def test_taken_and_given_back_as_they_came(rules: list[dict[str, Any]]) -> None:
    assert stored(RULES.validate_python(rules)) == rules


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"url": "https://a.com"},
        {"attribute": "country", "url": "https://a.com"},
        {**CONDITION},
        {**CONDITION, "url": "https://a.com", "split": SPLIT},
        {**CONDITION, "operator": "like", "url": "https://a.com"},
        {**CONDITION, "attribute": "weather", "url": "https://a.com"},
        {**CONDITION, "value": "", "url": "https://a.com"},
        {**CONDITION, "split": SPLIT[:1]},
        {**CONDITION, "split": SPLIT + SPLIT + SPLIT},
        {**CONDITION, "split": [{"url": "https://a.com", "weight": 50}, {"url": "https://b.com", "weight": 49}]},
        {**CONDITION, "split": [{"url": "https://a.com", "weight": 50.5}, {"url": "https://b.com", "weight": 49.5}]},
    ],
)
def test_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        RULES.validate_python([rule])
    assert caught.value.errors()[0]["loc"][0] == 0


def test_a_rule_without_a_condition_is_the_last() -> None:
    with pytest.raises(ValueError, match=r"^0: "):
        stored(RULES.validate_python([{"split": SPLIT}, {**CONDITION, "url": "https://a.com"}]))


def test_twenty_at_most() -> None:
    with pytest.raises(ValidationError):
        RULES.validate_python([{**CONDITION, "url": "https://a.com"}] * 21)
