"""Walks every operation of the API's document in the name of one project with the ids of another's things.

Nothing of the other project may come back, nothing of it may change, and no answer may tell its things from things that
do not exist: each call is made a second time with made-up names, and must be answered alike.

Two projects walk. What is sent in bodies becomes the sender's own (a tag may be named like another's id), so that one
project does nothing else, and the other has nothing that is named like the victim's.
"""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx

from answers import ok
from codeqr_common.ids import new_id
from dump import ID, Rows, differences
from operations import Operation, example_of, fields, put, types_of
from running import Project
from tenants import Tenant

NAMES_SOMETHING = re.compile(r"(Ids?|Slugs?|Domains?|_ids?|_slugs?)$|^(ids?|slugs?|domains?|key)$")
NAMES_NOTHING = ("pageId", "qrcodeId", "notificationToken")
"""Fields that look as if they named something of a project, and do not."""
TAKEN_BY_ALL = ("key", "slug")
"""Names that all projects share: that one is taken may be seen (409)."""
MISSING = frozenset({404})
MISSING_OR_FORBIDDEN = frozenset({403, 404})
FORBIDDEN = frozenset({403})
TRIES = 3
RANDOM_PART = 8  # the last characters of an id, in which there is no time


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
    in_body: bool = False


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

    def with_own(self, plan: Plan) -> Plan:
        """The plan with new things of its own where it names none."""
        kinds = {parameter.name: parameter.resource for parameter in plan.operation.of_place("path")}
        return replace(plan, path={name: named or self.own(kinds[name]) for name, named in plan.path.items()})

    def call(self, plan: Plan) -> httpx.Response:
        path = plan.operation.path
        for name, named in plan.path.items():
            path = path.replace(f"{{{name}}}", quote(named or "", safe=""))
        return self._client.request(plan.operation.method, path, params=list(plan.query), json=plan.body)


class Walk:
    """What is found, in sentences. `rows` reads the database behind the API."""

    def __init__(self, reader: Attacker, writer: Attacker, victim: Tenant, rows: Rows) -> None:
        self._reader = reader
        self._writer = writer
        self._victim = victim
        self._rows = rows
        self._sent: dict[Attacker, str] = {reader: "", writer: ""}
        seen_by_both = rows.whole(reader.project.id)[1]
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
        attacker = self._writer if plan.in_body else self._reader
        for _ in range(TRIES):
            mine = attacker.with_own(plan)
            answer = attacker.call(mine)
            self._sent[attacker] += f"{mine.path} {mine.query} {json.dumps(mine.body)}"
            apart = self._told_apart(answer, attacker, plan, mine) if plan.alike else []
            if not apart:
                break  # else figures may have moved on between the two, which they will not do every time
        return self._wrong(plan, answer, self._sent[attacker]) + apart

    def _wrong(self, plan: Plan, answer: httpx.Response, sent: str) -> list[str]:
        problems = []
        if answer.status_code >= 500 or (plan.expected and answer.status_code not in plan.expected):
            problems.append(f"answered {answer.status_code}: {answer.text[:200]}")
        received = f"{answer.headers} {answer.text}"
        shown = [secret for secret in self._secrets if secret in received and secret not in sent]
        return problems + ([f"shows {', '.join(sorted(shown)[:3])}"] if shown else [])

    def _told_apart(self, answer: httpx.Response, attacker: Attacker, plan: Plan, mine: Plan) -> list[str]:
        twin = attacker.call(self._disguised(mine if plan.operation.method == "GET" else attacker.with_own(plan)))
        if answer.status_code != twin.status_code:
            return [f"answered {answer.status_code}, and {twin.status_code} for what does not exist"]
        reads = plan.operation.method == "GET" and plan.operation.answers_json
        if (reads or answer.status_code != 200) and self._disguise(answer.text) != self._disguise(twin.text):
            return [f"answered {answer.text[:200]}, and {twin.text[:200]} for what does not exist"]
        return []

    def _disguised(self, plan: Plan) -> Plan:
        return replace(
            plan,
            path={name: named and self._disguise(named) for name, named in plan.path.items()},
            query=[(name, self._disguise(value)) for name, value in plan.query],
            body=json.loads(self._disguise(json.dumps(plan.body))),
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
            alike = kind != "domain"  # that a domain is somebody's, everybody can see by visiting it
            yield Plan(operation, f"{name} is {spelling}", path, needed, example, expected, alike)
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
            what = f"{'.'.join(map(str, path))}: {value}"
            yield Plan(operation, what, own, needed, body, alike=alike, in_body=True)


def _named(operation: Operation, victim: Tenant, name: str) -> Sequence[str]:
    found = victim.named(name, operation.path.split("/")[1])
    if found is None:
        assert not NAMES_SOMETHING.search(name) or name in (*NAMES_NOTHING, "projectSlug"), (
            f"{operation}: what {name} names is not known: teach tenants.py"
        )
        return ()
    return found


def _like(secret: str) -> str:
    """A text of the same form that nobody has; an id of the same moment, which is in the same place of every list."""
    if ID.fullmatch(secret):
        return secret[:-RANDOM_PART] + new_id("x")[-RANDOM_PART:]
    return re.sub("[0-9a-z]{4,}", lambda found: secrets.token_hex(len(found[0]))[: len(found[0])], secret)
