"""One operation of the reference: what FastAPI says of a route, completed by what all routes of its kind share."""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext

from codeqr_common import errors
from codeqr_common.auth.requests import Guard, Writing
from codeqr_common.http.openapi import common
from codeqr_common.http.openapi.answers import Answer, content_of
from codeqr_common.http.openapi.requests import query_schema
from codeqr_common.http.openapi.schemas import describe_parameter
from codeqr_common.http.openapi.texts import Texts

Schema = dict[str, Any]
LISTS = "May be repeated; each value may also be a list with commas."
PLAIN = {"name": "", "in": "query", "required": False}
ALWAYS = ("internal_server_error", "service_unavailable")
GUARDED = ("unauthorized", "forbidden", "rate_limit_exceeded")


class DocumentError(Exception):
    """A route that cannot be described."""


@dataclass(frozen=True)
class Operation:
    """A route and one of its methods, with the pieces that FastAPI found.

    `name` is the route's; operations of one route have the same words, unless those of an `id` are others.
    """

    id: str
    name: str
    path: str
    method: str
    context: RouteContext
    found: Schema
    texts: Texts

    @property
    def answer(self) -> Answer:
        """What the route answers. Raises `DocumentError` for one that does not say it."""
        answer = self.context.responses.get(200)
        if not isinstance(answer, Answer):
            raise DocumentError(f"{self.method} {self.path} does not say what it answers: responses=answers(…)")
        return answer

    @property
    def words(self) -> Mapping[str, Any]:
        return self.texts.operations.get(self.id) or self.texts.operations.get(self.name, {})

    def described(self) -> Schema:
        """The operation object."""
        guard = guard_of(self.context)
        words = self.words
        if "summary" not in words:
            raise DocumentError(f"{self.method} {self.path}: no summary in [operations.{self.name}]")
        scope = f"Scope: `{guard.scope}`." if guard and guard.scope else ""
        operation: Schema = {
            "operationId": self.id,
            "tags": [self._group()["name"]],
            "summary": words["summary"],
            "description": "\n\n".join(filter(None, (words.get("text", "").strip(), scope))),
            "security": [{common.SECURITY: [guard.scope] if guard.scope else []}] if guard else [],
            "parameters": list(self._parameters(guard)),
        }
        if body := self.found.get("requestBody"):
            operation["requestBody"] = self._body(body)
        operation["responses"] = self._responses(guard, operation)
        return {name: value for name, value in operation.items() if value not in ("", []) or name == "security"}

    @property
    def _is_repeatable(self) -> bool:
        """Whether it takes an `Idempotency-Key`."""
        return self.method == "POST" and isinstance(guard_of(self.context), Writing)

    def _group(self) -> Mapping[str, Any]:
        segment = self.path.split("/")[1]
        if segment not in self.texts.tags:
            raise DocumentError(f"{self.path}: no [tags] entry for {segment}")
        return self.texts.tags[segment]

    def _parameters(self, guard: Guard | None) -> Iterator[Schema]:
        for parameter in self.found.get("parameters", ()):
            if parameter["in"] == "path":
                yield self._path_parameter(parameter)
            elif parameter["in"] == "query":
                yield self._query_parameter(parameter)
            else:
                yield parameter
        if guard:
            yield _parameter_ref(common.PROJECT_SLUG)
        if self._is_repeatable:
            yield _parameter_ref(common.IDEMPOTENCY_KEY)

    def _path_parameter(self, parameter: Schema) -> Schema:
        before = self.path.partition(f"/{{{parameter['name']}}}")[0].split("/")
        segment = next(step for step in reversed(before) if step and not step.startswith("{"))
        if segment not in self.texts.resources:
            raise DocumentError(f"{self.path}: what {parameter['name']} names is not in [resources]")
        schema = {"type": "string", "minLength": 1, "x-resource": self.texts.resources[segment]}
        described: Schema = {"name": camel(parameter["name"]), "in": "path", "required": True, "schema": schema}
        describe_parameter(described, self.texts.of_field(self.name, described["name"]))
        return described

    def _query_parameter(self, parameter: Schema) -> Schema:
        described = {**PLAIN, **parameter, "schema": query_schema(parameter["schema"])}
        if text := described["schema"].pop("description", None):
            described.setdefault("description", text)
        describe_parameter(described, self.texts.of_field(self.name, described["name"]))
        if described["schema"].get("type") == "array":
            text = described.get("description", "")
            described |= {"style": "form", "explode": True, "description": f"{text} {LISTS}".strip()}
        return described

    def _body(self, body: Schema) -> Schema:
        content = copy.deepcopy(body["content"])
        for media in content.values():
            media["schema"].pop("title", None)
        if examples := self.words.get("examples"):
            for media in content.values():
                media["examples"] = dict(examples)
        return {"required": body.get("required", False), "content": content}

    def _responses(self, guard: Guard | None, operation: Schema) -> Schema:
        content, _ = content_of(self.answer)
        headers = ["X-Request-Id", *(common.LIMIT_HEADERS if guard else ())]
        if self._is_repeatable:
            headers.append("Idempotent-Replayed")
        text = self.words.get("answer", "Done.")
        found: Schema = {"200": {"description": text, "headers": common.header_refs(*headers), "content": content}}
        for code in sorted(self._codes(guard, operation), key=errors.STATUS.__getitem__):
            found[str(errors.STATUS[code])] = {"$ref": f"#/components/responses/{common.component_of(code)}"}
        for status, raw in self.context.responses.items():
            if not isinstance(raw, Answer):
                found[str(status)] = dict(raw)
        return dict(sorted(found.items()))

    def _codes(self, guard: Guard | None, operation: Schema) -> set[str]:
        """Errors that the operation can answer."""
        places = {parameter.get("in") for parameter in operation["parameters"]}
        codes = {*ALWAYS, *self.answer.codes}
        if guard:
            codes |= {*GUARDED}
        if "path" in places:
            codes |= {"not_found"}
        if "query" in places:
            codes |= {"unprocessable_entity"}
        if "requestBody" in operation:
            codes |= {"bad_request", "unprocessable_entity"}
        if self._is_repeatable:
            codes |= {"conflict", "unprocessable_entity"}
        return codes


def camel(name: str) -> str:
    """`link_id` → `linkId`."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def guard_of(context: RouteContext) -> Guard | None:
    """The guard that stands before a route; None for one that anybody may call."""
    return next((call for call in _calls(context.dependant) if isinstance(call, Guard)), None)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


def _parameter_ref(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}
