"""From a body's fields to the columns of a link, checked by the contract's rules (2.2)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from codeqr_common import errors
from codeqr_common.short_links import fold_key
from link_api.links import smart_rules
from link_api.links.countries import COUNTRIES
from link_api.links.representation import PASSWORD_MASK
from link_api.links.schemas import LinkFields
from link_api.links.urls import WEB_SCHEMES
from link_api.links.validation import checked_key, checked_url

PLAIN = frozenset(
    {"external_id", "tenant_id", "title", "description", "comments", "page_id", "notification_token", "expires_at"}
    | {"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"}
)
FLAGS = frozenset(
    {"archived", "track_conversion", "proxy", "rewrite", "do_index", "flexible", "pre_redirection"}
    | {"is_form_mandatory", "public_stats"}
)
TARGETS = frozenset({"url", "expired_url", "ios", "android", "page_url"})
PICTURES = frozenset({"image", "video"})
TAG_FIELDS = frozenset({"tag_id", "tag_ids", "tag_names"})
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(PLAIN | TARGETS | PICTURES | {"password_hash", "geo", "rules"}),
    **dict.fromkeys(FLAGS, False),
    "filled": False,
    "webhook_ids": [],
}
"""The columns of a link of which nothing is said."""
Values = dict[str, Any]


class LinkValues:
    """Reads bodies. `url_schemes`: those of targets that are allowed besides http and https."""

    def __init__(self, url_schemes: frozenset[str]) -> None:
        self._schemes = url_schemes
        self._readers: dict[str, Callable[[str, Any], Values]] = {
            **dict.fromkeys(PLAIN, lambda name, value: {name: value}),
            **dict.fromkeys(FLAGS, lambda name, value: {name: bool(value)}),
            **dict.fromkeys(TARGETS, self._target),
            **dict.fromkeys(PICTURES, self._picture),
            "geo": self._geo,
            "rules": self._rules,
            "webhook_ids": lambda name, value: {name: list(dict.fromkeys(value or ()))},
            "key": self._key,
        }

    def read(self, body: LinkFields) -> Values:
        """The columns that the body sets. Passwords, tags and the domain are read by others. Raises 422, or 409."""
        found: Values = {}
        for field in body.model_fields_set:
            if reader := self._readers.get(field):
                found |= reader(field, getattr(body, field))
        return found

    def _target(self, name: str, value: str | None) -> Values:
        return {name: None if value is None else checked_url(_shown(name), value, self._schemes)}

    def _picture(self, name: str, value: str | None) -> Values:
        return {name: None if value is None else checked_url(name, value, WEB_SCHEMES)}

    def _key(self, name: str, value: str | None) -> Values:
        if value is None:
            return {}
        key = checked_key(name, value)
        return {"key": key, "key_folded": fold_key(key)}

    def _geo(self, name: str, value: dict[str, str] | None) -> Values:
        found = {}
        for country, url in (value or {}).items():
            code = country.upper()
            if code not in COUNTRIES:
                raise errors.unprocessable_entity(f"geo.{country[:20]}: not an ISO 3166-1 alpha-2 country code")
            found[code] = checked_url(f"geo.{code}", url, self._schemes)
        return {name: found or None}

    def _rules(self, name: str, value: list[smart_rules.Rule] | None) -> Values:
        try:
            rules = smart_rules.stored(value or [])
        except ValueError as error:
            raise errors.unprocessable_entity(f"rules.{error}") from error
        for number, rule in enumerate(rules):
            for path, target in _targets_of_rule(rule):
                target["url"] = checked_url(f"rules.{number}{path}", target["url"], self._schemes)
        return {name: rules or None}


def new_password(body: LinkFields) -> tuple[bool, str | None]:
    """Whether the body sets the password, and to what; the mask sent back changes nothing."""
    return "password" in body.model_fields_set and body.password != PASSWORD_MASK, body.password


def targets(row: Values) -> list[tuple[str, str]]:
    """Every URL that the link may send somebody to, by the path of its field."""
    found = [(_shown(name), row[name]) for name in ("url", "expired_url", "ios", "android", "page_url") if row[name]]
    found += [(f"geo.{country}", url) for country, url in (row["geo"] or {}).items()]
    for number, rule in enumerate(row["rules"] or ()):
        found += [(f"rules.{number}{path}", target["url"]) for path, target in _targets_of_rule(rule)]
    return found


def with_derived(row: Values) -> Values:
    """The row with the columns that follow from others. Raises 422 for a link that leads nowhere."""
    if row["url"] is None and not row["flexible"]:
        raise errors.unprocessable_entity("url: is required, unless flexible is true")
    filled = row["flexible"] and row["url"] is not None
    return row | {"filled": filled, "search_text": search_text(row["key"], row["url"], row["title"])}


def search_text(key: str, url: str | None, title: str | None) -> str:
    """What a search looks through: folded, a line each; a URL also as people read it."""
    lines = [key, url or "", title or ""]
    if url is not None and "%" in url:
        lines.append(unquote(url).replace("\0", ""))
    return fold_key("\n".join(lines))


def _targets_of_rule(rule: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if "split" not in rule:
        return [(".url", rule)]
    return [(f".split.{number}.url", variant) for number, variant in enumerate(rule["split"])]


def _shown(name: str) -> str:
    return {"expired_url": "expiredUrl", "page_url": "pageUrl"}.get(name, name)
