"""What JSON Schema cannot say of a value, said to schemathesis: texts of our formats, parameters that depend on others.

Only values that the description allows are replaced, by others that it allows and that mean something; so what is
generated to be refused stays as it is.
"""

import os
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import jsonschema
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData

Schema = Mapping[str, Any]
ZONES = ("UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe")


COLOURS = ("fgColor", "bgColor")
COLOUR = re.compile(r"(#|%23)?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})|transparent")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _number(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _path(text: str) -> str:
    return quote(text[:100].encode("utf-8", "surrogatepass"), safe="")


FORMATS: dict[str, Callable[[str], str]] = {
    "public-url": lambda text: f"https://hooks.example/{_path(text)}",
    "target-url": lambda text: f"https://example.com/{_path(text)}",
    "web-url": lambda text: f"https://example.com/{_path(text)}",
    "link-key": lambda text: f"key-{_number(text)}",
    "domain-name": lambda text: f"d{_number(text)}.example",
    "date-time": lambda text: f"{2028 + _number(text) % 15 * 4}{text[4:]}" if DATE.match(text) else text,
    "time-zone": lambda text: ZONES[_number(text) % len(ZONES)],
}


COUNTRIES = ("BR", "us", "Pt", "NP")
NO = ("0", "f", "false", "n", "no", "off")
SHORT_DOMAIN = os.environ.get("SHORT_DOMAIN", "codeqr.link")
SHARE = int(os.environ.get("SCHEMATHESIS_COVERAGE_SHARE", "1"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "1"))
OWN_SLUG = ("projectSlug", os.environ.get("PROJECT_SLUG", ""))
OWN_KEY = os.environ.get("KEY_ID", "")
"""The id of the key that the calls are made with: it must stay as it is."""


def _link(body: dict[str, Any]) -> dict[str, Any]:
    """A domain is one that may be used, webhooks exist, rules are whole, and only a flexible link has no target."""
    if body.get("domain"):
        body["domain"] = SHORT_DOMAIN
    if body.get("webhookIds"):
        body["webhookIds"] = []
    body |= {name: _few(body[name]) for name in ("tagIds", "tagNames") if body.get(name)}
    if isinstance(rules := body.get("rules"), list):
        body["rules"] = sorted(map(_rule, rules), key=lambda rule: "attribute" not in rule)
        del body["rules"][1 + sum("attribute" in rule for rule in body["rules"]) :]
    if "url" in body and body["url"] is None and body.get("flexible") is not True:
        del body["url"]
    if "password" in body and _number(str(body)) % 8:
        del body["password"]  # to hash one takes 40 ms on purpose
    if body.get("prefix") and body.get("keyLength"):
        del body["keyLength"]
    return body


def _few(entries: Any) -> Any:
    """Of a list, or of a text with commas, no more than a link may have."""
    if isinstance(entries, str):
        return ",".join(entries.split(",")[:5])
    return [each.partition(",")[0] for each in entries[:20]]


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    kept = {name: rule[name] for name in ("attribute", "operator", "value") if rule.get(name) is not None}
    kept = kept if len(kept) == 3 else {}
    if split := rule.get("split"):
        shares = [100 - 10 * (len(split) - 1), *[10] * (len(split) - 1)]
        return {**kept, "split": [{**each, "weight": share} for each, share in zip(split, shares, strict=True)]}
    return {**kept, "url": rule["url"]} if kept and rule.get("url") else {"split": _even(rule.get("url"))}


def _even(url: str | None) -> list[dict[str, Any]]:
    return [{"url": url or "https://example.com", "weight": 50}] * 2


def _token(body: dict[str, Any]) -> dict[str, Any]:
    """A secret key has scopes, a publishable one has its own."""
    if body.get("publishable") in (None, False, 0) or str(body["publishable"]).lower() in NO:
        return {**body, "scopes": body.get("scopes") or ["all"]}
    return {name: value for name, value in body.items() if name != "scopes"}


def _figures(query: dict[str, Any]) -> dict[str, Any]:
    """A key is a filter together with a domain only; the window is one, and not in the future."""
    if "start" in query:
        query["start"] = f"2025-09-{_number(query['start']) % 28 + 1:02}T00:00:00Z"
    if "end" in query:
        query["end"] = f"2026-0{_number(query['end']) % 9 + 1}-01T12:00:00+02:00"
    alone = query.get("key") and not query.get("domain", "").strip(" ,-")
    return {**query, "domain": "codeqr.link"} if alone else query


def _look_up(query: dict[str, Any]) -> dict[str, Any]:
    """A link is named one way or another."""
    named = query.get("linkId") or query.get("externalId") or (query.get("domain") and query.get("key"))
    return query if named else {**query, "externalId": "one"}


def _paged(query: dict[str, Any]) -> dict[str, Any]:
    """A page is named one way, and by no id that is none."""
    return {name: value for name, value in query.items() if name not in ("startingAfter", "endingBefore")}


def _gone(query: dict[str, Any]) -> dict[str, Any]:
    return {**query, "linkIds": _few([each for each in query.get("linkIds", ()) if each.strip(" ,")]) or ["ext_one"]}


def _picture(query: dict[str, Any]) -> dict[str, Any]:
    """Colours that can be told apart, and content that fits. Only good values are replaced."""
    kept = {name: value for name, value in query.items() if name not in COLOURS or not COLOUR.fullmatch(str(value))}
    if isinstance(kept.get("url"), str):
        kept["url"] = kept["url"][:50]
    if str(kept.get("margin", "")).isdigit() and int(kept["margin"]) <= 100:
        kept["margin"] = int(kept["margin"]) % 10
    if str(kept.get("size", "")).isdigit() and 64 <= int(kept["size"]) <= 4096:
        kept["size"] = 900
    return kept


QUERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "getAnalytics": _figures,
    "getLinkInfo": _look_up,
    "deleteLinks": _gone,
}


def _upsert(body: dict[str, Any]) -> dict[str, Any]:
    """What is not found is created, so it has a target; what is found has a domain and a key, and keeps them."""
    body = {name: value for name, value in body.items() if value or name not in ("domain", "key", "url")}
    return {"url": "https://example.com", **body}


def _update(body: dict[str, Any]) -> dict[str, Any]:
    """A link that has no target stays flexible."""
    return body if body.get("url") else {name: value for name, value in body.items() if name != "flexible"}


def _bulk(body: dict[str, Any]) -> dict[str, Any]:
    """1 to 100 links are named."""
    data = {"data": _update(_link(dict(body["data"])))} if isinstance(body.get("data"), dict) else {}
    return {**body, **data, "linkIds": ["ext_one"], "externalIds": (body.get("externalIds") or ["one"])[:90]}


BODIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "createLink": _link,
    "updateLink": lambda body: _update(_link(body)),
    "upsertLink": lambda body: _upsert(_link(body)),
    "changeLinks": _bulk,
    "createToken": _token,
    "updateToken": lambda body: {name: value for name, value in body.items() if name != "scopes"},
    "updateDomain": lambda body: {name: value for name, value in body.items() if name != "slug"},
}


def _whole_body(operation_id: str, body: Any) -> Any:
    """The body with fields that agree with each other."""
    if operation_id == "createLinks" and isinstance(body, list):
        return [_link(dict(each)) if isinstance(each, dict) else each for each in body]
    name = re.sub("(By|At).*", "", operation_id)
    return BODIES[name](dict(body)) if name in BODIES and isinstance(body, dict) else body


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """A share of the coverage phase, another one for each seed: all of it takes minutes."""
    if SHARE == 1 or case.meta is None or not isinstance(case.meta.phase.data, CoveragePhaseData):
        return True
    return _number(f"{case.operation.label} {case.query} {case.body}") % SHARE == SEED % SHARE


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Put values that mean something where plain ones are allowed and mean nothing."""
    if case.path_parameters.get("tokenId") == OWN_KEY and case.method != "GET":
        case.path_parameters = {"tokenId": "tok_other"}
    definition, document = case.operation.definition.raw, case.operation.schema.raw_schema
    if isinstance(case.body, dict | list):
        media = definition.get("requestBody", {}).get("content", {}).get("application/json", {})
        body = _meaningful(media.get("schema", {}), case.body, document)
        if _is_valid(media.get("schema", {}), body, document):
            body = _whole_body(definition["operationId"], body)
        if body != case.body:
            case.body = body
    query = _whole_query(case, definition, document)
    if query != case.query:
        case.query = query


def _whole_query(case: schemathesis.Case, definition: Schema, document: Schema) -> dict[str, Any]:
    """The query with parameters that agree with each other."""
    if definition["operationId"] == "getQrCode":
        return _picture(case.query)
    if not isinstance(case.query, dict):
        return case.query
    if _is_negative(case, ParameterLocation.QUERY):
        # A good parameter beside the bad one makes the tool doubt that the query is bad.
        return {name: value for name, value in case.query.items() if (name, value) != OWN_SLUG}
    query = {name: _parameter(definition, name, value, document) for name, value in case.query.items()}
    return QUERIES.get(definition["operationId"], _paged)(query)


def _is_valid(schema: Schema, body: Any, document: Schema) -> bool:
    """Not what the case says of itself: a value that was made to be refused may have turned out to be allowed."""
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]}).is_valid(body)


def _is_negative(case: schemathesis.Case, location: ParameterLocation) -> bool:
    return case.meta is not None and case.meta.is_negative_at(location)


def _parameter(definition: Schema, name: str, value: Any, document: Schema) -> Any:
    for parameter in definition.get("parameters", ()):
        found = _resolved(parameter, document)
        if (found["in"], found["name"]) == ("query", name):
            return _meaningful(found["schema"], value, document)
    return value


def _meaningful(schema: Schema, value: Any, document: Schema) -> Any:
    schema = _resolved(schema, document)
    for branch in schema.get("anyOf", ()):
        value = _meaningful(branch, value, document)
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        others = schema.get("additionalProperties")
        others = others if isinstance(others, dict) else {}
        names = {name: name for name in value}
        if schema.get("propertyNames", {}).get("format") == "country-code":
            names = {name: COUNTRIES[_number(name) % len(COUNTRIES)] for name in value if len(name) == 2}
        return {
            names.get(name, name): _meaningful(fields.get(name, others), inner, document)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_meaningful(schema.get("items", {}), inner, document) for inner in value]
    if isinstance(value, str) and schema.get("format") in FORMATS and _is_allowed(schema, value):
        return FORMATS[schema["format"]](value)
    return value


def _is_allowed(schema: Schema, value: str) -> bool:
    fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    return fits and re.search(schema.get("pattern", ""), value) is not None


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
