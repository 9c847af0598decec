"""Walks every operation of the API's document in the name of one project with the ids of another's things.

Nothing of the other project may come back, nothing of it may change, and no answer may tell its things from things that
do not exist: each call is made a second time with made-up names, and must be answered alike.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from answers import ok
from codeqr_common.ids import new_id
from dump import ID, Rows, differences
from operations import Operation, example_of, fields, put, types_of
from running import Project
from tenants import Tenant

NAMES_SOMETHING = re.compile(r"([iI]ds?|[sS]lugs?|[dD]omain|[kK]ey)$|_ids?$")
NAMES_NOTHING = ("pageId", "qrcodeId", "notificationToken")
"""Fields that look as if they named something of a project, and do not."""
TAKEN_BY_ALL = ("key", "slug")
"""Names that all projects share: that one is taken may be seen (409)."""
MISSING = frozenset({404})
MISSING_OR_FORBIDDEN = frozenset({403, 404})
FORBIDDEN = frozenset({403})
TRIES = 3


@dataclass(frozen=True)
class Plan:
    """One call. `path`: what its parameters are; None stands for a new thing of the caller's own.

    `expected`: the statuses that are right; empty when any may be but 5xx.
    """

    operation: Operation
    what: str
    path: Mapping[str, str | None]
    query: Sequence[tuple[str, str]] = ()
    body: Any = None
    expected: frozenset[int] = frozenset()
    alike: bool = True


class Attacker:
    """A project whose key may do everything, and which has new things of its own whenever one is needed."""

    def __init__(self, project: Project, api_url: str) -> None:
        self.project = project
        self._made = project.api
        self._client = httpx.Client(base_url=api_url, headers=project.api.headers, timeout=15)

    def own(self, kind: str) -> str:
        """The name, in a path, of a thing of this kind that has just been made."""
        name = f"own{secrets.token_hex(8)}"
        match kind:
            case "link":
                return str(ok(self._made.post("/links", json={"url": f"https://{name}.example"}))["id"])
            case "tag":
                return str(ok(self._made.post("/tags", json={"name": name}))["id"])
            case "domain":
                return str(ok(self._made.post("/domains", json={"slug": f"{name}.example"}))["slug"])
            case "token":
                return str(ok(self._made.post("/tokens", json={"name": name, "scopes": ["all"]}))["id"])
            case "webhook":
                body = {"name": name, "url": "http://127.0.0.1:9/", "triggers": ["link.created"], "enabled": False}
                return str(ok(self._made.post("/webhooks", json=body))["id"])
        return self.project.slug

    def call(self, plan: Plan) -> httpx.Response:
        path = plan.operation.path
        for parameter in plan.operation.of_place("path"):
            named = plan.path[parameter.name]
            path = path.replace(f"{{{parameter.name}}}", quote(named or self.own(parameter.resource), safe=""))
        return self._client.request(plan.operation.method, path, params=list(plan.query), json=plan.body)


class Walk:
    """What is found, in sentences. `rows` reads the database behind the API."""

    def __init__(self, attacker: Attacker, victim: Tenant, rows: Rows) -> None:
        self._attacker = attacker
        self._victim = victim
        self._rows = rows
        seen_by_both = rows.whole(attacker.project.id)[1]
        self._secrets = victim.secrets(rows, seen_by_both)
        self._ids = rows.whole(victim.project.id)[1] - seen_by_both
        self._made_up = {secret: _like(secret) for secret in sorted(self._secrets, key=len, reverse=True)}

    def findings(self, operations: Iterable[Operation]) -> list[str]:
        found = []
        before = self._dump()
        for operation in operations:
            for plan in plans(operation, self._victim):
                problems = self._problems(plan)
                after = self._dump()
                problems += differences(before, after)
                before = after
                found += [f"{operation.id}: {plan.what}: {problem}" for problem in problems]
        return found

    def _dump(self) -> dict[str, list[str]]:
        return self._rows.of(self._victim.project.id, self._ids)

    def _problems(self, plan: Plan) -> list[str]:
        for _ in range(TRIES):
            answer = self._attacker.call(plan)
            twin = self._attacker.call(self._disguised(plan)) if plan.alike else answer
            problems = self._wrong(plan, answer) + self._told_apart(plan, answer, twin)
            if not self._told_apart(plan, answer, twin):
                break  # else figures may have moved on between the two, which they will not do every time
        return problems

    def _wrong(self, plan: Plan, answer: httpx.Response) -> list[str]:
        problems = []
        if answer.status_code >= 500 or (plan.expected and answer.status_code not in plan.expected):
            problems.append(f"answered {answer.status_code}: {answer.text[:200]}")
        sent = f"{plan.path} {plan.query} {json.dumps(plan.body)}"
        received = f"{answer.headers} {answer.text}"
        shown = [secret for secret in self._secrets if secret in received and secret not in sent]
        return problems + ([f"shows {', '.join(sorted(shown)[:3])}"] if shown else [])

    def _told_apart(self, plan: Plan, answer: httpx.Response, twin: httpx.Response) -> list[str]:
        if answer.status_code != twin.status_code:
            return [f"answered {answer.status_code}, and {twin.status_code} for what does not exist"]
        reads = plan.operation.method == "GET" and plan.operation.answers_json
        if (reads or answer.status_code != 200) and self._disguise(answer.text) != self._disguise(twin.text):
            return [f"answered {answer.text[:200]}, and {twin.text[:200]} for what does not exist"]
        return []

    def _disguised(self, plan: Plan) -> Plan:
        return Plan(
            plan.operation,
            plan.what,
            {name: named and self._disguise(named) for name, named in plan.path.items()},
            [(name, self._disguise(value)) for name, value in plan.query],
            json.loads(self._disguise(json.dumps(plan.body))),
        )

    def _disguise(self, text: str) -> str:
        """The text with made-up names in place of the victim's."""
        for secret, made_up in self._made_up.items():
            text = text.replace(secret, made_up).replace(secret.upper(), made_up.upper())
        return text


def plans(operation: Operation, victim: Tenant) -> Iterator[Plan]:
    """Every call to make of an operation."""
    kinds = {parameter.name: parameter.resource for parameter in operation.of_place("path")}
    own: dict[str, str | None] = dict.fromkeys(kinds)
    example = operation.example() if operation.body is not None else None
    needed = [(each.name, str(example_of(each.schema))) for each in operation.of_place("query") if each.required]
    yield Plan(operation, "as it is described", own, needed, example)
    for name, kind in kinds.items():
        spellings = victim.in_path(kind)
        assert spellings, f"{operation}: {name} names a {kind or 'thing of no kind (x-resource)'}: teach tenants.py"
        expected = MISSING_OR_FORBIDDEN if kind in ("domain", "project") else MISSING
        for spelling in spellings:
            path = own | {name: spelling}
            yield Plan(operation, f"{name} is {spelling}", path, needed, example, expected)
    if operation.guarded:
        foreign = [*needed, ("projectSlug", victim.project.slug)]
        yield Plan(operation, "projectSlug is another's", own, foreign, example, FORBIDDEN)
    yield from _queries(operation, victim, own, needed, example)
    yield from _bodies(operation, victim, own, needed, example)


def _queries(
    operation: Operation, victim: Tenant, own: Mapping[str, str | None], needed: Sequence[tuple[str, str]], body: Any
) -> Iterator[Plan]:
    named = {}
    for parameter in operation.of_place("query"):
        values = _named(operation, victim, parameter.name)
        if not values:
            continue
        named[parameter.name] = values
        others = [(name, value) for name, value in needed if name != parameter.name]
        for value in values:
            query = [*others, (parameter.name, value)]
            yield Plan(operation, f"{parameter.name}={value}", own, query, body)
        if len(values) > 1 and "array" in types_of(parameter.schema):
            listed = [*others, (parameter.name, ",".join(values))]
            yield Plan(operation, f"{parameter.name} are all", own, listed, body)
    if {"domain", "key"} <= named.keys():
        query = [*needed, ("domain", named["domain"][0]), ("key", named["key"][0])]
        yield Plan(operation, "domain and key", own, query, body)


def _bodies(
    operation: Operation, victim: Tenant, own: Mapping[str, str | None], needed: Sequence[tuple[str, str]], example: Any
) -> Iterator[Plan]:
    for path, schema in fields(operation.body or {}):
        name = str(path[-1])
        values = _named(operation, victim, name)
        wholes = [list(values)] if "array" in types_of(schema) else list(values)
        for value in wholes:
            body = put(example, path, value)
            alike = name not in TAKEN_BY_ALL
            yield Plan(operation, f"{'.'.join(map(str, path))}: {value}", own, needed, body, alike=alike)


def _named(operation: Operation, victim: Tenant, name: str) -> Sequence[str]:
    found = victim.named(name, operation.path.split("/")[1])
    if found is None:
        assert not NAMES_SOMETHING.search(name) or name in (*NAMES_NOTHING, "projectSlug"), (
            f"{operation}: what {name} names is not known: teach tenants.py"
        )
        return ()
    return found


def _like(secret: str) -> str:
    """A text of the same form that nobody has."""
    if ID.fullmatch(secret):
        return new_id(secret.partition("_")[0])
    return re.sub("[0-9a-z]{4,}", lambda found: secrets.token_hex(len(found[0]))[: len(found[0])], secret)
