"""What a question leaves out: query parameters → conditions on columns of `clicks`. No I/O."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeqr_common.short_links import fold_key

Parameters = Mapping[str, Sequence[str]]
"""Query parameters by their camelCase name, each with every value it was given."""

UNKNOWN = "Unknown"
DIRECT = "(direct)"
TRUE, FALSE = ("true", "1"), ("false", "0")
NOT_OFFERED = ("externalId", "tenantId", "tagId", "tagIds", "tagNames", "qrcodeId")
"""Filters of the contract that need what is not ingested yet. Ignoring them would answer a different question."""


class InvalidFilter(ValueError):
    """`<parameter>: <problem>`."""


@dataclass(frozen=True)
class Condition:
    """`column` is one of `values`, or, with `exclude`, none of them."""

    column: str
    values: tuple[str | bool, ...]
    exclude: bool = False


def _country(value: str) -> str:
    return UNKNOWN if value.lower() == UNKNOWN.lower() else value.upper()


def _key(value: str) -> str:
    return fold_key(value.strip("/"))


def _same(value: str) -> str:
    return value


def _none_is_empty(value: str) -> str:
    return "" if value in (UNKNOWN, DIRECT) else value


@dataclass(frozen=True)
class _Text:
    column: str
    stored: Callable[[str], str] = _same
    is_url: bool = False


TEXTS: dict[str, _Text] = {
    "linkId": _Text("link_id"),
    "domain": _Text("domain", str.lower),
    "key": _Text("key_folded", _key),
    "country": _Text("country", _country),
    "region": _Text("region"),
    "city": _Text("city"),
    "continent": _Text("continent"),
    "device": _Text("device"),
    "browser": _Text("browser"),
    "os": _Text("os"),
    "language": _Text("language", _none_is_empty),
    "referer": _Text("referrer", _none_is_empty),
    "refererUrl": _Text("referrer_url", _none_is_empty, is_url=True),
    "url": _Text("url", is_url=True),
    "utm_source": _Text("utm_source", _none_is_empty),
    "utm_medium": _Text("utm_medium", _none_is_empty),
    "utm_campaign": _Text("utm_campaign", _none_is_empty),
    "utm_term": _Text("utm_term", _none_is_empty),
    "utm_content": _Text("utm_content", _none_is_empty),
}


def conditions(parameters: Parameters) -> tuple[Condition, ...]:
    """All conditions of the question; raises `InvalidFilter`. An empty value is no filter."""
    _refuse_what_is_not_offered(parameters)
    if _given(parameters, "key") and not _given(parameters, "domain"):
        raise InvalidFilter("key: is a filter together with domain only")
    texts = [found for name, text in TEXTS.items() for found in _text_conditions(text, parameters.get(name, ()))]
    return (*texts, *_trigger(parameters), *_qr(parameters), *_bot(parameters))


def _refuse_what_is_not_offered(parameters: Parameters) -> None:
    for name in NOT_OFFERED:
        if _given(parameters, name):
            raise InvalidFilter(f"{name}: is not offered as a filter yet")


def _text_conditions(text: _Text, given: Iterable[str]) -> list[Condition]:
    """One condition for what is included and one for what is excluded, at most."""
    found: dict[bool, list[str]] = {False: [], True: []}
    for value in given:
        values, exclude = _split(value, text.is_url)
        found[exclude] += map(text.stored, values)
    return [Condition(text.column, tuple(values), exclude) for exclude, values in found.items() if values]


def _split(value: str, is_url: bool = False) -> tuple[list[str], bool]:
    """The values of one parameter and whether a leading `-` excludes them; each may repeat the `-`.

    A URL may hold commas, so a list of URLs is split only before the next scheme.
    """
    exclude = value.startswith("-")
    parts = re.split(r",(?=-?https?://)" if is_url else ",", value)
    cleaned = (part.strip().removeprefix("-") if exclude else part.strip() for part in parts)
    return [part for part in cleaned if part], exclude


def _trigger(parameters: Parameters) -> list[Condition]:
    found = _text_conditions(_Text("trigger"), parameters.get("trigger", ()))
    if any(value not in ("link", "qr") for condition in found for value in condition.values):
        raise InvalidFilter("trigger: must be link or qr")
    return found


def _qr(parameters: Parameters) -> list[Condition]:
    value = _single(parameters, "qr").lower()
    if not value:
        return []
    if value not in (*TRUE, *FALSE):
        raise InvalidFilter("qr: must be true or false")
    return [Condition("qr", (value in TRUE,))]


def _bot(parameters: Parameters) -> list[Condition]:
    match _single(parameters, "bot"):
        case "" | "exclude":
            return [Condition("bot", (False,))]
        case "only":
            return [Condition("bot", (True,))]
        case "include":
            return []
    raise InvalidFilter("bot: must be include, only or exclude")


def _single(parameters: Parameters, name: str) -> str:
    """The last value given, as for every parameter that takes one; '' when there is none."""
    values = parameters.get(name, ())
    return values[-1] if values else ""


def _given(parameters: Parameters, name: str) -> bool:
    return any(value.strip(" ,-") for value in parameters.get(name, ()))
