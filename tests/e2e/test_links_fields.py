"""Every field of a link: as it is sent, as it is kept, and what null means."""

from typing import Any

import httpx
import pytest

from answers import link_of, ok, refused, unique

SPLIT = [{"url": "https://one.example/", "weight": 30}, {"url": "https://two.example/", "weight": 70}]
BODY: dict[str, Any] = {
    "url": "https://example.com/a?b=c#d",
    "externalId": "ext_full-1",
    "tenantId": "tenant-1",
    "title": "Título",
    "description": "Ein Link",
    "image": "https://example.com/i.png",
    "video": "https://example.com/v.mp4",
    "comments": "private",
    "archived": False,
    "trackConversion": True,
    "proxy": True,
    "rewrite": True,
    "doIndex": True,
    "flexible": False,
    "preRedirection": True,
    "isFormMandatory": True,
    "publicStats": True,
    "expiresAt": "2031-02-03T04:05:06+02:00",
    "expiredUrl": "https://example.com/expired",
    "password": "geheim",
    "ios": "https://apps.apple.com/app/x",
    "android": "market://details?id=x",
    "geo": {"br": "https://example.com/br", "US": "https://example.com/us"},
    "rules": [
        {"attribute": "device", "operator": "equals", "value": "iOS", "url": "https://example.com/ios"},
        {"attribute": "utm_source", "operator": "not_equals", "value": "x", "split": SPLIT},
        {"split": SPLIT},
    ],
    "utm_source": " newsletter ",
    "utm_medium": "email",
    "utm_campaign": "spring",
    "utm_term": "shoes",
    "utm_content": "banner",
    "pageId": "page-1",
    "pageUrl": "https://example.com/page",
    "notificationToken": "token-1",
    "tagNames": ["One", "two"],
}
KEPT = {
    **{name: value for name, value in BODY.items() if name not in ("tagNames", "password")},
    "externalId": "full-1",
    "password": "********",
    "expiresAt": "2031-02-03T02:05:06.000Z",
    "geo": {"BR": "https://example.com/br", "US": "https://example.com/us"},
    "utm_source": "newsletter",
}
CLEARED_BY_NULL = {
    **dict.fromkeys(set(KEPT) - {"url"}),
    **{name: False for name, value in KEPT.items() if isinstance(value, bool)},
}


@pytest.fixture
def api(stack: Any) -> httpx.Client:
    client: httpx.Client = stack.new_project().api
    return client


def test_every_field_is_kept_and_given_back(api: httpx.Client) -> None:
    link = ok(api.post("/links", json=BODY))
    link_of(link)
    assert {name: link[name] for name in KEPT} == KEPT
    assert [tag["name"] for tag in link["tags"]] == ["One", "two"]
    assert ok(api.get("/links/ext_full-1")) == link
    assert ok(api.get("/links")) == [link]


def test_null_clears_and_absence_leaves(api: httpx.Client) -> None:
    link = ok(api.post("/links", json=BODY))
    untouched = ok(api.patch(f"/links/{link['id']}", json={"password": "********"}))
    assert untouched == link | {"updatedAt": untouched["updatedAt"]}
    nulls = {**dict.fromkeys(BODY), "url": link["url"]}
    cleared = ok(api.patch(f"/links/{link['id']}", json=nulls))
    assert {name: cleared[name] for name in CLEARED_BY_NULL} == CLEARED_BY_NULL
    assert (cleared["tags"], cleared["tagId"], cleared["filled"]) == ([], None, False)


def test_a_flexible_link_can_be_filled_later(api: httpx.Client) -> None:
    link = ok(api.post("/links", json={"flexible": True}))
    assert (link["url"], link["flexible"], link["filled"]) == (None, True, False)
    filled = ok(api.patch(f"/links/{link['id']}", json={"url": "example.com"}))
    assert (filled["url"], filled["filled"]) == ("https://example.com", True)
    emptied = ok(api.patch(f"/links/{link['id']}", json={"url": None}))
    assert (emptied["url"], emptied["filled"]) == (None, False)
    refused(api.patch(f"/links/{link['id']}", json={"flexible": False}), "unprocessable_entity")
    refused(api.post("/links", json={"flexible": False}), "unprocessable_entity")


def test_random_keys_have_the_length_and_prefix_that_are_asked_for(api: httpx.Client) -> None:
    prefix = unique("promo")
    link = ok(api.post("/links", json={"url": "a.com", "prefix": f"/{prefix}/", "keyLength": 12}))
    start, _, drawn = link["key"].rpartition("/")
    assert (start, len(drawn)) == (prefix, 12)
    assert not set(drawn) & set("0o1liABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"geo": {"XX": "https://a.com"}}, "geo.XX: "),
        ({"geo": {"BR": "nonsense"}}, "geo.BR: "),
        ({"rules": [{"url": "https://a.com"}]}, "rules.0: "),
        ({"rules": [BODY["rules"][2], BODY["rules"][0]]}, "rules.0: "),
        ({"rules": [{**BODY["rules"][0], "url": "javascript:1"}]}, "rules.0.url: "),
        ({"rules": [BODY["rules"][0]] * 21}, "rules: "),
        ({"expiresAt": "tomorrow"}, "expiresAt: "),
        ({"expiresAt": 1767225600}, "expiresAt: "),
        ({"image": "mailto:a@b.c"}, "image: "),
        ({"comments": "c" * 5001}, "comments: "),
        ({"utm_source": "u" * 256}, "utm_source: "),
        ({"archived": "perhaps"}, "archived: "),
        ({"webhookIds": ["wh_none"]}, "webhookIds: "),
        ({"tagIds": ["t" * 191]}, "tag"),
        ({"prefix": "_x"}, "prefix: "),
        ({"rules": [{**BODY["rules"][0], "url": "https://a.com/" + "x" * 20_000}] * 20}, "body: "),
    ],
)
def test_bad_values_are_named_and_change_nothing(api: httpx.Client, body: dict[str, Any], message: str) -> None:
    link = ok(api.post("/links", json={"url": "a.com"}))
    answers = [api.post("/links", json={"url": "a.com", **body})]
    if "prefix" not in body:  # a change draws no key
        answers.append(api.patch(f"/links/{link['id']}", json=body))
    for answer in answers:
        assert refused(answer, "unprocessable_entity").startswith(message)
    assert ok(api.get("/links")) == [link]


def test_a_visitor_is_kept_from_links_that_are_locked_expired_or_empty(api: httpx.Client, stack: Any) -> None:
    bodies: list[tuple[dict[str, Any], int, str | None]] = [
        ({"url": "a.com", "password": "geheim"}, 401, None),
        ({"url": "a.com", "expiresAt": "2020-01-01T00:00:00Z"}, 410, None),
        ({"url": "a.com", "expiresAt": "2020-01-01T00:00:00Z", "expiredUrl": "b.com"}, 302, "https://b.com"),
        ({"flexible": True}, 200, None),
    ]
    with httpx.Client(
        base_url=stack.short_url, headers={"Host": stack.short_domain, "User-Agent": "Mozilla"}
    ) as visitor:
        for body, status, location in bodies:
            link = ok(api.post("/links", json=body))
            for path in (f"/{link['key']}", f"/{link['key'].upper()}?a=b"):
                answer = visitor.get(path)
                assert (answer.status_code, answer.headers.get("location")) == (status, location), body
            opened = ok(api.patch(f"/links/{link['id']}", json={"url": "c.com", "password": None, "expiresAt": None}))
            stack.wait_until(
                lambda key=opened["key"]: visitor.get(f"/{key}").headers.get("location") == "https://c.com", 5
            )
