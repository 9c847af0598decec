"""The reference through the gateway: the document, the page of errors, and the interactive page in a real browser."""

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from running import Stack

CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "")


def test_the_document_is_public_and_names_this_api(stack: Stack) -> None:
    answer = httpx.get(f"{stack.api_url}/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": stack.api_url}]
    assert {"/links", "/analytics", "/webhooks"} <= document["paths"].keys()


def test_doc_urls_lead_to_where_the_code_is_explained(stack: Stack) -> None:
    refused = httpx.get(f"{stack.api_url}/links").json()["error"]
    page, _, anchor = refused["doc_url"].partition("#")
    assert anchor == refused["code"] == "unauthorized"
    assert f'id="{anchor}"' in httpx.get(page).raise_for_status().text


def test_unknown_paths_below_the_pages_are_errors_in_the_envelope(stack: Stack) -> None:
    for path in ("/docs/none", "/docs/assets/none.js", "/openapi.json/none"):
        answer = httpx.get(f"{stack.api_url}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window. It may reach no host but this machine."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_operations_and_asks_no_other_host(stack: Stack, browser: Any, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stack.api_url}/docs")
    page.wait_for_selector(".opblock")
    document = httpx.get(f"{stack.api_url}/openapi.json").json()
    assert page.title() == "CodeQR API"
    assert page.locator(".opblock").count() == sum(len(operations) for operations in document["paths"].values())
    page.locator("#operations-Links-createLink .opblock-summary-control").click()
    page.wait_for_selector("#operations-Links-createLink .opblock-body >> text=Only")
    assert ("dark-mode" in (page.locator("html").get_attribute("class") or "")) == (scheme == "dark")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
    assert hosts == {urlsplit(stack.api_url).netloc}
    assert complaints == []
    page.close()
