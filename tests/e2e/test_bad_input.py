"""Bad input in quantity: it is refused in the words of the contract, changes nothing, and is never a fault of ours."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import bad_values
from answers import link_of, ok
from dump import Rows, differences
from operations import Operation, Steps, fields, put, types_of
from prober import Prober, dumped, first_error, is_one_of_many
from running import Stack

MEBIBYTE = 1 << 20
BULK_LIMITS = {"/links/bulk": 4 * MEBIBYTE}
EXAMPLES = 400


@pytest.fixture(scope="module")
def rows(stack: Stack) -> Iterator[Rows]:
    one = Rows(stack.database_url)
    yield one
    one.close()


@pytest.fixture(scope="module")
def prober(stack: Stack, rows: Rows) -> Iterator[Prober]:
    """One project for all; in the end the link API is the process that it was, and ready."""
    before = stack.processes()["link-api"]
    yield Prober(stack, rows)
    assert stack.processes()["link-api"] == before
    ready = httpx.get(f"http://127.0.0.1:{stack.port(12)}/readyz").json()
    assert ready == {"status": "ready", "missing": {}, "unavailable": {}}


def limit_of(operation: Operation) -> int:
    return BULK_LIMITS.get(operation.path, MEBIBYTE)


def test_there_is_something_to_try(prober: Prober) -> None:
    paths = {operation.path.split("/")[1] for operation in prober.writing}
    assert {"links", "tags", "domains", "tokens", "webhooks"} <= paths
    assert len(prober.writing) >= 15


def test_what_is_no_json_is_refused(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation in prober.writing:
            for name, body in bad_values.NOT_JSON.items():
                if not body and not operation.body_required:
                    continue
                codes = ("bad_request", "unprocessable_entity") if name in bad_values.DEEP else ("bad_request",)
                prober.refused(prober.send(operation, body), f"{operation}: {name}", *codes)


def test_what_does_not_say_that_it_is_json_is_refused(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation in prober.writing:
            body = dumped(operation.example())
            for kind in bad_values.NO_JSON_TYPES:
                answer = prober.send(operation, body, Content_Type=kind)
                prober.refused(answer, f"{operation} as {kind!r}", "bad_request")


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_over_the_limit_is_refused(prober: Prober, chunked: bool) -> None:
    with prober.nothing_changes():
        for operation in prober.writing:
            example = dumped(operation.example())
            body = example + b" " * (limit_of(operation) + 1 - len(example))
            answer = prober.send(operation, _chunks(body) if chunked else body)
            message = prober.refused(answer, str(operation), "bad_request")
            assert str(limit_of(operation)) in message


def test_a_body_at_the_limit_is_taken(stack: Stack) -> None:
    api = stack.new_project().api
    for path, limit in (("/links", MEBIBYTE), ("/links/bulk", 4 * MEBIBYTE)):
        link: Any = {"url": "https://example.com"}
        body = json.dumps([link] if "bulk" in path else link).encode()
        ok(api.post(path, content=body.ljust(limit), headers={"Content-Type": "application/json"}))


def test_values_of_the_wrong_type_are_refused_by_their_path(prober: Prober) -> None:
    tried = 0
    with prober.nothing_changes():
        for operation, steps, schema in _places(prober):
            for value in bad_values.VALUES:
                if _is_right(value, schema):
                    continue
                tried += 1
                _refused_at(prober, operation, steps, value)
    assert tried > 500


def test_texts_that_cannot_be_stored_are_refused_by_their_path(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation, steps, schema in _places(prober):
            if "string" in types_of(schema):
                for value in bad_values.UNSTORABLE:
                    _refused_at(prober, operation, steps, value)


def test_numbers_that_are_none_are_refused(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation, steps, schema in _places(prober):
            if "integer" not in types_of(schema) or "boolean" in types_of(schema):
                continue
            for number in bad_values.NUMBERS:
                body = dumped(_with(operation, steps, "@")).replace(b'"@"', number.encode())
                answer = prober.send(operation, body)
                if not is_one_of_many(steps) or answer.status_code != 200:
                    what = f"{operation} {steps}: {number[:20]}"
                    prober.refused(answer, what, "bad_request", "unprocessable_entity")


def test_texts_of_every_sort_break_nothing(stack: Stack, rows: Rows) -> None:
    prober = Prober(stack, rows)
    for operation, steps, schema in _places(prober):
        if "string" in types_of(schema):
            for text in bad_values.TEXTS:
                prober.whole(
                    prober.send(operation, dumped(put(operation.example(), steps, text))), f"{steps}: {text!r}"
                )
    for link in ok(prober.owner.api.get("/links", params={"pageSize": 100, "showArchived": True})):
        link_of(link)
    prober.check()


def test_paths_of_every_sort_break_nothing(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation in prober.all:
            for parameter in operation.of_place("path"):
                body = operation.example() if operation.body is not None else None
                for text in bad_values.PATHS:
                    target = prober.path(operation, {parameter.name: text})
                    answer = prober.ask(operation.method, target, body)
                    what = f"{operation.method} {target[:60]}"
                    codes = ("bad_request", "forbidden", "not_found", "unprocessable_entity", "method_not_allowed")
                    prober.refused(answer, what, *codes)


def test_queries_of_every_sort_break_nothing(prober: Prober) -> None:
    with prober.nothing_changes():
        for operation in prober.all:
            if operation.method != "GET":
                continue
            for parameter in operation.of_place("query"):
                for text in (*bad_values.QUERY_VALUES, *bad_values.NUMBERS):
                    target = f"{prober.path(operation)}?{parameter.name}={text}"
                    answer = prober.get(target)
                    if "integer" in types_of(parameter.schema) and text in bad_values.NUMBERS:
                        prober.refused(answer, target[:80], "unprocessable_entity", "bad_request")
                    prober.whole(answer, target[:80])


def test_a_field_that_is_there_twice_is_one_field(prober: Prober) -> None:
    """The last one counts, as for every reader of JSON here; what is checked is what is kept."""
    body = b'{"url": "https://example.com/a", "key": "twice", "url": "javascript:alert(1)"}'
    [create] = [operation for operation in prober.writing if operation.id == "createLink"]
    with prober.nothing_changes():
        assert prober.refused(prober.send(create, body), "twice", "unprocessable_entity").startswith("url: ")
    turned = b'{"url": "javascript:alert(1)", "url": "https://example.com/b"}'
    assert link_of(ok(prober.send(create, turned)))["url"] == "https://example.com/b"


def test_any_json_breaks_nothing(stack: Stack, rows: Rows) -> None:
    prober = Prober(stack, rows)
    state = {"kept": prober.kept()}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(prober.writing))
        body = data.draw(any_body(operation))
        answer = prober.send(operation, dumped(body))
        prober.whole(answer, f"{operation}: {body!r}")
        kept = prober.kept()
        if answer.status_code != 200 or first_error(answer):
            prober.problems += differences(state["kept"], kept, settled=False) if answer.status_code != 200 else []
        state["kept"] = kept
        prober.check()

    try_one()


def any_body(operation: Operation) -> st.SearchStrategy[Any]:
    """JSON of any form, and bodies that are right but for some of their fields."""
    texts = st.text(st.characters(), max_size=20)
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
    anything = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
    )
    places = [steps for steps, _ in fields(operation.body or {})]
    if not places:
        return anything
    changes = st.lists(st.tuples(st.sampled_from(places), anything), min_size=1, max_size=3)
    return anything | changes.map(lambda changed: _changed(operation.example(), changed))


def _changed(body: Any, changes: list[tuple[Steps, Any]]) -> Any:
    for steps, value in changes:
        body = put(body, steps, value)
    return body


def _places(prober: Prober) -> Iterator[tuple[Operation, Steps, Any]]:
    """Every field of every sort of body; of operations that take the same body, one."""
    by_body = {json.dumps(operation.body): operation for operation in prober.writing}
    for operation in by_body.values():
        for steps, schema in fields(operation.body or {}):
            yield operation, steps, schema


def _is_right(value: Any, schema: Any) -> bool:
    """Whether the document lets it through. An empty list and a flag for a number are another matter than a type."""
    types = types_of(schema)
    lenient = (value == [] and "array" in types) or (isinstance(value, bool) and "integer" in types)
    return lenient or Draft202012Validator(schema).is_valid(value)


def _with(operation: Operation, steps: Steps, value: Any) -> Any:
    """A body with `value` at `steps`; of many, one alone, for the others would be taken."""
    example = operation.example()
    return put(example[:1] if isinstance(example, list) else example, steps, value)


def _refused_at(prober: Prober, operation: Operation, steps: Steps, value: Any) -> None:
    """Send a body with `value` at `steps`, and expect a 422 that names the place."""
    answer = prober.send(operation, dumped(_with(operation, steps, value)))
    what = f"{operation} {'.'.join(map(str, steps))}: {value!r}"
    if is_one_of_many(steps):
        if first_error(answer) != "unprocessable_entity":
            prober.problems.append(f"{what}: {answer.text[:150]}")
        return
    message = prober.refused(answer, what, "unprocessable_entity")
    if answer.status_code == 422 and str(steps[0]) not in message.partition(": ")[0]:
        prober.problems.append(f"{what}: the message does not name the place: {message[:100]}")


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 1 << 16):
        yield body[start : start + (1 << 16)]
