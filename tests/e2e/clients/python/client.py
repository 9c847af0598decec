"""A program as an API user writes it: creates, changes, lists and deletes links with `requests`, and takes only 200."""

import json
import os
import sys
from typing import Any

import requests

API_URL = os.environ["CODEQR_API_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['CODEQR_API_KEY']}", "Content-Type": "application/json"}


def call(method: str, path: str, body: dict[str, Any] | None = None, **params: str) -> Any:
    response = requests.request(method, API_URL + path, headers=HEADERS, json=body, params=params, timeout=15)
    if response.status_code != 200:
        raise RuntimeError(f"{method} {path}: {response.status_code} {response.text}")
    return response.json()


def create_campaign_link(url: str, name: str, channel: str) -> Any:
    return call(
        "POST",
        "/links",
        {
            "url": url,
            "key": f"python-{name.lower().replace(' ', '-')}",
            "title": name,
            "description": f"Link da campanha {name} por {channel}",
            "externalId": f"python-{channel}",
            "tenantId": "python",
            "utm_source": channel,
            "utm_medium": "short_link",
            "tagNames": [name, channel],
        },
    )


kept = create_campaign_link("https://shop.example/50-off", "Black Friday 🔥", "email")
gone = create_campaign_link("https://shop.example/spring", "Promoção de Outono", "social")
changed = call("PATCH", f"/links/{kept['id']}", {"url": "https://shop.example/new", "title": "Novo título"})
listed = call("GET", "/links", tenantId="python", sortOrder="asc")
deleted = call("DELETE", f"/links/{gone['id']}")

json.dump({"created": [kept, gone], "changed": changed, "listed": listed, "deleted": deleted}, sys.stdout)
