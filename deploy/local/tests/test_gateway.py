"""The gateway's configuration in a real Envoy, in front of a small server that tells what reached it."""

import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codeqr_local.engines import gateway
from codeqr_local.ports import Ports, is_free

Eventually = Callable[[Callable[[], object], float], None]


class Mirror(BaseHTTPRequestHandler):
    """Answers with the path and the headers of the request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server_port = self.server.server_address[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps({"port": server_port, "path": self.path, "headers": headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Gateway:
    ports: Ports

    def get(self, path: str, host: str = "", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["gateway"], timeout=5)
        try:
            all_headers = {"Host": host or f"localhost:{self.ports['gateway']}"}
            all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=all_headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, json.loads(answer.read()))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running(free_port_base: int, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually) -> Iterator[Gateway]:
    """Envoy, with mirrors in place of link-api and the redirector; analytics and webhooks are not there."""
    ports = Ports(free_port_base)
    servers = [ThreadingHTTPServer(("127.0.0.1", ports[name]), Mirror) for name in ("link-api", "redirector")]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    configuration = tmp_path_factory.mktemp("gateway") / "envoy.yaml"
    configuration.write_text(gateway.render(ports))
    command = [gateway.find_envoy(), "-c", str(configuration), "--disable-hot-restart", "--log-level", "error"]
    process = subprocess.Popen([*command, "--concurrency", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: not is_free(ports["gateway"]), 10.0)
        yield Gateway(ports)
    finally:
        process.kill()
        process.wait()
        for server in servers:
            server.shutdown()
            server.server_close()


def test_the_rendered_configuration_is_valid(tmp_path: Path) -> None:
    configuration = tmp_path / "envoy.yaml"
    configuration.write_text(gateway.render(Ports(8400)))
    command = [gateway.find_envoy(), "--mode", "validate", "-c", str(configuration)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_routes(running: Gateway) -> None:
    ports = running.ports
    for path in ("/links", "/links/info?x=1", "/tags", "/domains/go.example", "/openapi.json", "/docs"):
        answer = running.get(path)
        assert (answer.status, answer.body["port"], answer.body["path"]) == (200, ports["link-api"], path)
    for path in ("/", "/a%20b//c/../d?x=%31", "/links", "/analytics"):
        answer = running.get(path, host="go.example.com")
        assert (answer.status, answer.body["port"], answer.body["path"]) == (200, ports["redirector"], path)
        assert answer.body["headers"]["host"] == "go.example.com"


@pytest.mark.parametrize("path", ["/", "/nothing", "/linksx", "/analyticsx/y", "/internal/keys/verify", "/metrics"])
def test_unknown_paths_answer_in_the_envelope(running: Gateway, path: str) -> None:
    answer = running.get(path, X_Request_Id="mine.1")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "mine.1"
    assert answer.body["error"] == {
        "code": "not_found",
        "message": "There is no such path.",
        "doc_url": f"http://127.0.0.1:{running.ports['gateway']}/docs/errors#not_found",
    }


def test_a_service_that_is_down_answers_503_in_the_envelope(running: Gateway) -> None:
    for path in ("/analytics", "/webhooks/wh_1"):
        answer = running.get(path)
        assert answer.status == 503
        assert answer.body["error"]["code"] == "service_unavailable"
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-request-id"]


def test_identity_headers_are_dropped_and_the_client_address_is_added(running: Gateway) -> None:
    claimed = {
        "X_CodeQR_Project": "p",
        "X_Internal_User": "u",
        "X_Envoy_Retry_On": "5xx",
        "X_Forwarded_For": "192.0.2.9",
    }
    headers = running.get("/links", **claimed).body["headers"]
    assert not [name for name in headers if name.startswith(("x-codeqr-", "x-internal-", "x-envoy-"))]
    assert headers["x-forwarded-for"].replace(" ", "") == "192.0.2.9,127.0.0.1"


@pytest.mark.parametrize(("sent", "kept"), [("abc-1.X_2", True), ("a" * 128, True), ("a" * 129, False), ("a b", False)])
def test_request_ids(running: Gateway, sent: str, kept: bool) -> None:
    answer = running.get("/links", X_Request_Id=sent)
    used = answer.headers["x-request-id"]
    assert answer.body["headers"]["x-request-id"] == used
    assert (used == sent) is kept
    assert used
