"""The few calls of the public API that the demo makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Any, cast

import aiohttp


class Refused(Exception):
    """The API answered with an error; the text is its code, message and request id."""


@dataclass
class Api:
    """The public API with one project's key."""

    session: aiohttp.ClientSession
    url: str
    key: str

    async def create_webhook(self, name: str, url: str, triggers: list[str]) -> dict[str, Any]:
        return await self._object(HTTPMethod.POST, "/webhooks", json={"name": name, "url": url, "triggers": triggers})

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._call(HTTPMethod.DELETE, f"/webhooks/{webhook_id}")

    async def create_link(self, url: str, title: str, tags: list[str]) -> dict[str, Any]:
        return await self._object(HTTPMethod.POST, "/links", json={"url": url, "title": title, "tagNames": tags})

    async def link(self, link_id: str) -> dict[str, Any]:
        return await self._object(HTTPMethod.GET, "/links/info", params={"linkId": link_id})

    async def counts(self, link_id: str, bot: str = "exclude") -> dict[str, Any]:
        """The figures of the last 24 hours: clicks, uniques, scans and the rest; `bot` = exclude, only or include."""
        params = {"linkId": link_id, "interval": "24h", "bot": bot}
        return await self._object(HTTPMethod.GET, "/analytics", params=params)

    async def minutes(self, link_id: str) -> list[dict[str, Any]]:
        """The link's last 60 minutes, a row a minute, oldest first."""
        params = {"linkId": link_id, "interval": "1h", "groupBy": "timeseries"}
        return cast(list[dict[str, Any]], await self._call(HTTPMethod.GET, "/analytics", params=params))

    async def _object(self, method: HTTPMethod, path: str, **arguments: Any) -> dict[str, Any]:
        return cast(dict[str, Any], await self._call(method, path, **arguments))

    async def _call(self, method: HTTPMethod, path: str, **arguments: Any) -> object:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.request(method, f"{self.url}{path}", headers=headers, **arguments) as answer:
            body: Any = await answer.json(content_type=None)
            if answer.ok:
                return body
            raise Refused(f"{method} {path} was answered {answer.status} {_reason(body)}")


def _reason(body: object) -> str:
    error = body.get("error") if isinstance(body, Mapping) else None
    return f"{error['code']}: {error['message']}" if isinstance(error, Mapping) else "without a reason"
