"""What the contract says of every answer: the envelope of errors, and the link object with all its fields."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from codeqr_common.errors import STATUS

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = r"_[0-9A-Za-z]{22}"
MASK = "********"


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _time(value: Any) -> bool:
    return isinstance(value, str) and TIME.fullmatch(value) is not None


def _or_null(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or kind(value)


def _id(prefix: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(prefix + ID, value) is not None


def _tag(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"id", "name", "color"} and all(map(_text, value.values()))


def _list_of(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def _geo(value: Any) -> bool:
    return isinstance(value, dict) and all(re.fullmatch("[A-Z]{2}", name) and _text(value[name]) for name in value)


def _rule(value: Any) -> bool:
    return isinstance(value, dict) and (("url" in value) != ("split" in value))


LINK: dict[str, Callable[[Any], bool]] = {
    "id": _id("link"),
    "userId": _id("user"),
    "projectId": _id("proj"),
    **dict.fromkeys(("domain", "key", "shortLink", "qrCode"), _text),
    "url": _or_null(_text),
    **dict.fromkeys(("archived", "trackConversion", "proxy", "rewrite", "doIndex", "flexible", "filled"), _flag),
    **dict.fromkeys(("preRedirection", "isFormMandatory", "publicStats"), _flag),
    **dict.fromkeys(("expiresAt", "lastClicked"), _or_null(_time)),
    **dict.fromkeys(("expiredUrl", "externalId", "tenantId", "title", "description", "image"), _or_null(_text)),
    **dict.fromkeys(("video", "ios", "android", "pageId", "pageUrl", "comments"), _or_null(_text)),
    **dict.fromkeys(("notificationToken", "tagId"), _or_null(_text)),
    **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"), _or_null(_text)),
    "password": lambda value: value in (None, MASK),
    "geo": _or_null(_geo),
    "rules": _or_null(_list_of(_rule)),
    "tags": _list_of(_tag),
    "webhookIds": _list_of(_text),
    **dict.fromkeys(("clicks", "leads", "sales", "saleAmount"), _count),
    **dict.fromkeys(("createdAt", "updatedAt"), _time),
}
"""The fields of a link object, and what each may be."""


def unique(prefix: str = "k") -> str:
    """A key, or another name, that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def ok(answer: httpx.Response) -> Any:
    """The JSON of an answer that must be a success."""
    assert answer.status_code == 200, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an answer that is none of success, in the contract's envelope, whichever it is."""
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/json", where
    assert list(answer.json()) == ["error"], where
    found = answer.json()["error"]
    assert sorted(found) == ["code", "doc_url", "message"], where
    assert STATUS[found["code"]] == answer.status_code, where
    assert found["doc_url"].endswith(f"#{found['code']}"), where
    assert found["message"].strip(), where
    assert answer.headers["x-request-id"], where
    return answer.status_code, found["code"], found["message"]


def refused(answer: httpx.Response, code: str) -> str:
    """The message of an answer that must be this error."""
    status, found, message = refusal(answer)
    assert (status, found) == (STATUS[code], code), message
    return message


def link_of(value: Any) -> dict[str, Any]:
    """`value`, which must be a whole link object with the right kind of value in each field."""
    assert set(value) == set(LINK)
    wrong = {name: value[name] for name, is_right in LINK.items() if not is_right(value[name])}
    assert not wrong
    assert value["shortLink"].endswith(f"://{value['domain']}/{value['key']}")
    assert value["qrCode"].endswith(f"/qr?url={value['shortLink']}?qr=1")
    assert value["tagId"] == (value["tags"][0]["id"] if value["tags"] else None)
    assert value["createdAt"] <= value["updatedAt"]
    return dict(value)
