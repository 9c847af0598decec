"""Webhooks from end to end: a receiver on loopback is told, with signatures that it can verify, at least once."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Callback:
    """A request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """Answers each POST with what `answers` says: path and how many came there before → status."""

    def __init__(self) -> None:
        self.callbacks: list[Callback] = []
        self.answers: Callable[[str, int], int] = lambda _path, _earlier: 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                earlier = len(receiver.at(self.path))
                receiver.callbacks.append(Callback(self.path, headers, body, time.time()))
                self.send_response(receiver.answers(self.path, earlier))
                self.send_header("Location", "/redirected")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[Callback]:
        return [callback for callback in self.callbacks if callback.path == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def project(stack: Any) -> Iterator[Any]:
    """A project of its own, whose webhooks are gone afterwards: nothing is sent to a receiver that has closed."""
    one = stack.new_project()
    yield one
    for webhook in one.api.get("/webhooks").json():
        one.api.delete(f"/webhooks/{webhook['id']}")


def register(api: httpx.Client, url: str, *triggers: str, **fields: object) -> dict[str, Any]:
    answer = api.post("/webhooks", json={"name": "receiver", "url": url, "triggers": triggers, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def make_link(api: httpx.Client, **fields: object) -> dict[str, Any]:
    answer = api.post("/links", json={"url": "https://example.com/landing", **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def visit(stack: Any, link: dict[str, Any], user_agent: str = BROWSER) -> None:
    answer = httpx.get(
        f"{stack.short_url}/{link['key']}",
        headers={"Host": link["domain"], "User-Agent": user_agent, "Referer": "https://news.example/today"},
        follow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302, answer.text


def verify(callback: Callback, secret: str) -> None:
    """Check both signatures as a receiver would."""
    headers, body = callback.headers, callback.body
    assert headers["content-type"] == "application/json"
    assert headers["codeqr-signature"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["webhook-id"] == callback.event["id"]
    assert abs(int(headers["webhook-timestamp"]) - callback.at) < 60
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert len(key) == 32
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" in headers["webhook-signature"].split()


def test_link_created_arrives_signed_and_again_after_a_failure(stack: Any, project: Any, receiver: Receiver) -> None:
    receiver.answers = lambda _path, earlier: 500 if earlier < 2 else 200
    secret = register(project.api, f"{receiver.url}/hook", "link.created")["secret"]
    link = make_link(project.api)
    stack.wait_until(lambda: len(receiver.at("/hook")) == 3, 20)
    first, second, third = receiver.at("/hook")
    for callback in (first, second, third):
        verify(callback, secret)
        assert callback.event["event"] == "link.created"
        assert callback.event["data"] == link
    assert first.body == second.body == third.body
    assert first.event["id"].startswith("evt_")
    assert 0.7 < second.at - first.at < 5
    assert 1.5 < third.at - second.at < 6


def test_link_clicked_carries_click_and_link(stack: Any, project: Any, receiver: Receiver) -> None:
    secret = register(project.api, f"{receiver.url}/clicks", "link.clicked")["secret"]
    link = make_link(project.api)
    visit(stack, link, "Googlebot/2.1 (+http://www.google.com/bot.html)")
    visit(stack, link)
    stack.wait_until(lambda: receiver.at("/clicks"), 20)
    (callback,) = receiver.at("/clicks")
    verify(callback, secret)
    assert callback.event["event"] == "link.clicked"
    click, told = callback.event["data"]["click"], callback.event["data"]["link"]
    assert (told["id"], told["shortLink"]) == (link["id"], link["shortLink"])
    assert (click["referer"], click["refererUrl"]) == ("news.example", "https://news.example/today")
    assert (click["browser"], click["os"], click["trigger"], click["qr"], click["bot"]) == (
        *("Chrome", "Linux", "link"),
        *(False, False),
    )


def test_each_endpoint_gets_what_it_asked_for(stack: Any, project: Any, receiver: Receiver) -> None:
    mine = make_link(project.api)
    other = make_link(project.api)
    register(project.api, f"{receiver.url}/all", "link.updated", "link.deleted", "link.clicked")
    register(project.api, f"{receiver.url}/scoped", "link.clicked", linkIds=[other["id"]])
    assert project.api.patch(f"/links/{mine['id']}", json={"title": "New"}).status_code == 200
    visit(stack, mine)
    visit(stack, other)
    assert project.api.delete(f"/links/{mine['id']}").status_code == 200
    stack.wait_until(lambda: len(receiver.at("/all")) == 4 and receiver.at("/scoped"), 45)
    kinds = sorted(callback.event["event"] for callback in receiver.at("/all"))
    assert kinds == ["link.clicked", "link.clicked", "link.deleted", "link.updated"]
    (scoped,) = receiver.at("/scoped")
    assert scoped.event["data"]["link"]["id"] == other["id"]
    ids = {callback.event["id"] for callback in receiver.at("/all")}
    assert scoped.event["id"] in ids
    assert len(ids) == 4


def test_gone_disables_and_redirects_are_not_followed(stack: Any, project: Any, receiver: Receiver) -> None:
    receiver.answers = lambda path, _earlier: 410 if path == "/gone" else 302
    gone = register(project.api, f"{receiver.url}/gone", "link.created")
    register(project.api, f"{receiver.url}/moved", "link.created")
    make_link(project.api)

    def disabled() -> bool:
        return not project.api.get(f"/webhooks/{gone['id']}").json()["enabled"]

    stack.wait_until(disabled, 20)
    make_link(project.api)
    stack.wait_until(lambda: len({callback.event["id"] for callback in receiver.at("/moved")}) == 2, 20)
    assert len(receiver.at("/gone")) == 1
    assert receiver.at("/redirected") == []
    found = project.api.get(f"/webhooks/{gone['id']}").json()
    assert found["disabledAt"] is not None
    assert "410" in found["disabledReason"]


def test_the_resource(stack: Any, project: Any, receiver: Receiver) -> None:
    made = register(project.api, f"{receiver.url}/x", "link.created", link_ids=["link_1"])
    assert made["secret"].startswith("whsec_")
    assert (made["enabled"], made["linkIds"], made["disabledAt"]) == (True, ["link_1"], None)
    shown = project.api.get(f"/webhooks/{made['id']}").json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert project.api.get("/webhooks").json() == [shown]
    stranger = stack.new_project().api
    assert stranger.get(f"/webhooks/{made['id']}").status_code == 404
    assert stranger.delete(f"/webhooks/{made['id']}").status_code == 404
    assert stranger.get("/webhooks").json() == []
    assert project.api.delete(f"/webhooks/{made['id']}").json() == {"id": made["id"]}
    assert project.api.get(f"/webhooks/{made['id']}").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "http://10.0.0.1/hook"}, "url: "),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url: "),
        ({"url": "https://2852039166/"}, "url: "),
        ({"url": "https://0xa9fea9fe/"}, "url: "),
        ({"url": "ftp://example.com/"}, "url: "),
        ({"name": "x" * 41}, "name: "),
        ({"triggers": ["link.burned"]}, "triggers.0: "),
    ],
)
def test_what_is_not_valid_is_refused(project: Any, change: dict[str, Any], message: str) -> None:
    body = {"name": "x", "url": "https://example.com/hook", "triggers": ["link.created"], **change}
    answer = project.api.post("/webhooks", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["message"].startswith(message)
    assert project.api.get("/webhooks").json() == []


@pytest.mark.faults
def test_an_attempt_cut_off_by_a_kill_is_made_again(stack: Any, project: Any, receiver: Receiver) -> None:
    held = threading.Event()

    def answer(_path: str, earlier: int) -> int:
        if earlier == 0:
            held.wait(30)
        return 200

    receiver.answers = answer
    register(project.api, f"{receiver.url}/held", "link.created")
    make_link(project.api)
    stack.wait_until(lambda: receiver.at("/held"), 20)
    stack.kill("webhooks")
    held.set()
    stack.wait_until(lambda: len(receiver.at("/held")) == 2, 60)
    first, second = receiver.at("/held")
    assert first.body == second.body
