"""Smart rules of a link (contract 2.6): a condition on the visit, and where it leads then."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from link_api.text import Text, no_flag, snake_and_camel

MOST_RULES = 20
MOST_VARIANTS = 4
Attribute = Literal[
    "device",
    "country",
    "region",
    "city",
    "continent",
    "language",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
]


class Variant(BaseModel):
    """One of the targets of a split, and its share in percent."""

    model_config = snake_and_camel()

    url: Text
    weight: Annotated[int, Field(ge=0, le=100), BeforeValidator(no_flag)]


class Rule(BaseModel):
    """An optional condition (`attribute`, `operator`, `value`), and a `url` or a `split`."""

    model_config = snake_and_camel()

    attribute: Attribute | None = None
    operator: Literal["equals", "not_equals"] | None = None
    value: Annotated[Text, StringConstraints(min_length=1, max_length=255)] | None = None
    url: Text | None = None
    split: Annotated[list[Variant], Field(min_length=2, max_length=MOST_VARIANTS)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Rule":
        given = [part is not None for part in (self.attribute, self.operator, self.value)]
        if any(given) and not all(given):
            raise ValueError("a condition needs attribute, operator and value")
        if (self.url is None) == (self.split is None):
            raise ValueError("needs a url or a split, not both")
        if self.split is not None and sum(variant.weight for variant in self.split) != 100:
            raise ValueError("the weights of a split add up to 100")
        if not any(given) and self.split is None:
            raise ValueError("a rule without a condition needs a split")
        return self

    @property
    def is_conditional(self) -> bool:
        return self.attribute is not None


Rules = Annotated[list[Rule], Field(max_length=MOST_RULES)]


def stored(rules: list[Rule]) -> list[dict[str, Any]]:
    """The rules as they are kept and given back: only the fields that they have.

    Raises `ValueError` (`N: …`) when a rule without a condition is not the last one.
    """
    for number, rule in enumerate(rules[:-1]):
        if not rule.is_conditional:
            raise ValueError(f"{number}: a rule without a condition must be the last one")
    return [rule.model_dump(exclude_none=True) for rule in rules]
