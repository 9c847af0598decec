"""Sends bad requests in the name of a project that has one of everything, and sees that nothing comes of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from answers import refusal
from dump import Dump, Rows, differences
from operations import Operation, document_of, operations
from running import Stack
from tenants import Tenant

MOVING = ("lastUsed", "usage")
"""Fields that go on by themselves."""
MOST, LONGEST = 60, 400
"""Of the problems that are shown, and of the characters of each."""
JSON = {"Content-Type": "application/json"}


class Prober:
    """`problems`: every answer that was not as it must be, in sentences."""

    def __init__(self, stack: Stack, rows: Rows) -> None:
        self.stack = stack
        self.owner = Tenant(stack, rows)
        self.rows = rows
        self.problems: list[str] = []
        self.all = list(operations(document_of(stack.api_url)))
        self._client = httpx.Client(base_url=stack.api_url, headers=self.owner.api.headers, timeout=30)

    @property
    def writing(self) -> list[Operation]:
        """Every operation that changes something and takes a body."""
        return [each for each in self.all if each.method != "GET" and each.body is not None and each.guarded]

    def path(self, operation: Operation, named: Mapping[str, str] | None = None) -> str:
        """The operation's path with things of the owner's own in it. `named`: parameters as they stand in a path."""
        path = operation.path
        for parameter in operation.of_place("path"):
            own = self.owner.in_path(parameter.resource)
            assert own, f"{operation}: {parameter.name} names a {parameter.resource}: teach tenants.py"
            text = (named or {}).get(parameter.name, quote(own[0], safe=""))
            path = path.replace(f"{{{parameter.name}}}", text)
        return path

    def send(self, operation: Operation, body: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
        """A body as it stands; `Content_Type` and the like are headers."""
        given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.request(operation.method, self.path(operation), content=body, headers=given)

    def get(self, target: str) -> httpx.Response:
        """`target`: path and query as they stand."""
        return self._client.get(httpx.URL(self.stack.api_url + target))

    def ask(self, method: str, target: str, body: Any = None) -> httpx.Response:
        """`target`: path and query as they stand."""
        return self._client.request(method, httpx.URL(self.stack.api_url + target), json=body)

    def refused(self, answer: httpx.Response, what: str, *codes: str) -> str:
        """The message of an answer that must be one of these errors; what is none is a problem."""
        message = self.whole(answer, what)
        if answer.status_code == 200 or answer.json()["error"]["code"] not in codes:
            self.problems.append(f"{what}: {answer.status_code} {answer.text[:150]}, not {' or '.join(codes)}")
        return message

    def whole(self, answer: httpx.Response, what: str) -> str:
        """The message of an answer that may be anything but a fault of ours; empty for a success."""
        if answer.status_code in (200, 304):
            return ""
        try:
            status, _, message = refusal(answer)
        except (AssertionError, ValueError, KeyError) as error:
            self.problems.append(f"{what}: {answer.status_code}, no envelope: {error}"[:400])
            return ""
        if status >= 500:
            self.problems.append(f"{what}: {status} {message}")
        return message

    def check(self) -> None:
        """Fail for the problems so far."""
        found, self.problems = self.problems, []
        assert not found, f"{len(found)} problems:\n" + "\n".join(line[:LONGEST] for line in found[:MOST])

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """Fail for the problems of the block, and for whatever it changed of the owner, by SQL or by the API."""
        rows, shown = self.kept(), self.shown()
        yield
        self.problems += differences(rows, self.kept(), settled=False)
        now = self.shown()
        self.problems += [f"{name} shows something else" for name in now if now[name] != shown[name]]
        self.check()

    def kept(self) -> Dump:
        return self.rows.whole(self.owner.project.id)[0]

    def shown(self) -> dict[str, Any]:
        """What the API says of the owner, by operation."""
        found = {}
        for operation in self.all:
            plain = not any(parameter.required for parameter in operation.parameters)
            if operation.method == "GET" and operation.guarded and operation.answers_json and plain:
                answer = self._client.get(operation.path)
                assert answer.status_code < 500, answer.text
                found[operation.id] = (answer.status_code, _settled(answer.json()))
        return found


def is_one_of_many(steps: tuple[str | int, ...]) -> bool:
    """Whether a field is of an entry of an array of bodies, whose errors are answered each in its place."""
    return steps[0] == 0


def first_error(answer: httpx.Response) -> str:
    """The code with which the first of many was refused; empty when it was not."""
    found = answer.json()
    return str(found[0].get("code", "")) if answer.status_code == 200 and isinstance(found, list) and found else ""


def dumped(value: Any) -> bytes:
    """JSON in ASCII: halves of surrogate pairs are escaped."""
    return json.dumps(value).encode()


def _settled(value: Any) -> Any:
    if isinstance(value, list):
        return [_settled(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _settled(inner) for name, inner in value.items() if name not in MOVING}
    return value
