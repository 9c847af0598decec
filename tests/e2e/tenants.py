"""A project with one of everything, every text of which is found nowhere else: what others must never see or change."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from answers import ok
from dump import Rows
from running import Project, Stack

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SETTLED_S = 30.0
EVENTS = 3
"""Two links made and one visited: what its webhook would be told, if it were enabled."""
TEXTS = ("title", "description", "comments", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
PLAIN = ("tenantId", "pageId", "notificationToken", *TEXTS)
URLS = ("url", "expiredUrl", "ios", "android", "pageUrl", "image", "video")
FLAGS = ("trackConversion", "proxy", "doIndex", "preRedirection", "isFormMandatory", "publicStats")


class Tenant:
    """The project and what it has. `in_path` and `named` say how others would call its things."""

    def __init__(self, stack: Stack, rows: Rows) -> None:
        self.project: Project = stack.new_project()
        self.marks: list[str] = []
        self._stack = stack
        self._furnish()
        stack.wait_until(
            lambda: len(rows.whole(self.project.id)[0].get("webhooks.deliveries", ())) == EVENTS, SETTLED_S
        )

    @property
    def api(self) -> httpx.Client:
        return self.project.api

    def mark(self) -> str:
        """A text that nobody else has; letters and digits, so that it stands in answers as it is."""
        self.marks.append(f"m{secrets.token_hex(10)}")
        return self.marks[-1]

    def _furnish(self) -> None:
        self.domain = ok(self.api.post("/domains", json=self._domain_body()))
        self.tag = ok(self.api.post("/tags", json={"name": self.mark(), "color": "pink"}))
        self.webhook = ok(self.api.post("/webhooks", json=self._webhook_body()))
        self.token = ok(self.api.post("/tokens", json={"name": self.mark(), "scopes": ["links.read"]}))
        self.link = ok(self.api.post("/links", json=self._link_body()))
        self.shared_body = {"url": self._url(), "key": self.mark(), "domain": self._stack.short_domain}
        self.shared_call = {"Idempotency-Key": self.mark()}
        self.shared = ok(self.api.post("/links", json=self.shared_body, headers=self.shared_call))
        self._visit(self.shared)

    def _url(self) -> str:
        return f"https://{self.mark()}.example/{self.mark()}"

    def _domain_body(self) -> dict[str, Any]:
        urls = {name: self._url() for name in ("rootUrl", "notFoundUrl", "expiredUrl")}
        return {"slug": f"{self.mark()}.example", "placeholder": self.mark(), **urls}

    def _webhook_body(self) -> dict[str, Any]:
        """Never called: what it would be sent stays as it is."""
        url = f"http://127.0.0.1:9/{self.mark()}"
        return {"name": self.mark(), "url": url, "triggers": ["link.created", "link.clicked"], "enabled": False}

    def _link_body(self) -> dict[str, Any]:
        return {
            **{name: self.mark() for name in PLAIN},
            **{name: self._url() for name in URLS},
            **dict.fromkeys(FLAGS, True),
            "domain": self.domain["slug"],
            "key": self.mark(),
            "externalId": self.mark(),
            "password": self.mark(),
            "expiresAt": "2087-06-05T04:03:02.109Z",
            "geo": {"BR": self._url()},
            "rules": [{"attribute": "city", "operator": "equals", "value": self.mark(), "url": self._url()}],
            "tagIds": [self.tag["id"]],
            "tagNames": [self.mark()],
            "webhookIds": [self.webhook["id"]],
        }

    def _visit(self, link: Mapping[str, Any]) -> None:
        """A click, until it is counted: the project has figures of its own."""
        headers = {"Host": link["domain"], "User-Agent": BROWSER}
        self._stack.wait_until(
            lambda: httpx.get(f"{self._stack.short_url}/{link['key']}", headers=headers).status_code == 302, SETTLED_S
        )
        self._stack.wait_until(lambda: ok(self.api.get(f"/links/{link['id']}"))["clicks"], SETTLED_S)
        self._stack.wait_until(lambda: ok(self.api.get("/analytics"))["clicks"], SETTLED_S)

    def in_path(self, kind: str) -> Sequence[str] | None:
        """Every spelling of its thing of this kind (`x-resource`) in a path; None for a kind unknown here."""
        return {
            "link": (self.link["id"], f"ext_{self.link['externalId']}", self.shared["id"]),
            "tag": (self.tag["id"],),
            "domain": (self.domain["slug"], self.domain["slug"].upper()),
            "token": (self.token["id"],),
            "webhook": (self.webhook["id"],),
            "project": (self.project.slug, self.project.id),
        }.get(kind)

    def named(self, name: str, first_segment: str) -> Sequence[str] | None:
        """What others would put into the field or parameter `name`; None for one that names nothing."""
        links = (self.link["id"], f"ext_{self.link['externalId']}", self.shared["id"])
        by_list = {"links": self.link, "tags": self.tag, "webhooks": self.webhook, "tokens": self.token}
        cursor = (by_list.get(first_segment, self.domain)["id"],)
        return {
            "linkId": links,
            "linkIds": links,
            "externalId": (self.link["externalId"],),
            "externalIds": (self.link["externalId"],),
            "tenantId": (self.link["tenantId"],),
            "tagId": (self.tag["id"],),
            "tagIds": (self.tag["id"],),
            "tagNames": (self.tag["name"],),
            "webhookIds": (self.webhook["id"],),
            "domain": (self.domain["slug"],),
            "key": (self.link["key"], self.shared["key"]),
            "slug": (self.domain["slug"],),
            "resourceId": (self.link["id"], self.tag["id"], self.token["id"]),
            "keyId": (self.token["id"],),
            "userId": (self.link["userId"],),
            "projectId": (self.project.id,),
            "search": (self.link["title"], self.shared["key"]),
            "url": (self.link["url"], self.shared["url"]),
            "startingAfter": cursor,
            "endingBefore": cursor,
        }.get(name)

    def secrets(self, rows: Rows, others: frozenset[str] = frozenset()) -> frozenset[str]:
        """Every text that nobody else may see. `others`: ids that are not its alone."""
        shown_once = (self.project.api_key, self.token["token"], self.webhook["secret"])
        own = (self.project.slug, self.domain["verificationRecord"]["value"])
        return frozenset({*self.marks, *shown_once, *own, *rows.whole(self.project.id)[1]}) - others
