"""The reference of a small service: what is said, what is added, and what is refused."""

import re
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import AliasChoices, BaseModel, Field

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require, writing
from codeqr_common.http.app import create_app
from codeqr_common.http.calls import WriteCall
from codeqr_common.http.openapi import (
    Deleted,
    DocumentError,
    Texts,
    answers,
    answers_media,
    document,
    json_body,
    merged,
    query_parameters,
    written,
)
from codeqr_common.http.openapi.leniency import whole_number
from codeqr_common.http.openapi.merge import Clash

TEXTS = """
[tags.things]
name = "Things"
text = "Things."

[resources]
things = "thing"

[operations.createThing]
summary = "Make a thing"
examples.plain.value = {name = "one"}

[operations]
listThings = {summary = "List things"}
getThing = {summary = "Get a thing"}
changeThing = {summary = "Change a thing"}
countThings = {summary = "Count things"}
changeThings = {summary = "Change things"}
deleteThing = {summary = "Delete a thing"}
thingPicture = {summary = "See a thing"}

[fields]
name = {text = "What it is called.", example = "one"}
"Thing.id" = {id = "thing", example = "thing_06Fv1xZbQkLq3T8nD5RwYe"}
link = {accepts = {format = "link-key", null = false}}
made_at = {sent = {type = "string", format = "date"}}
"listThings.page" = {text = "Which one.", example = 2}
madeAt = {format = "date-time", example = "2025-09-06T12:21:07.873Z"}
"""


class Part(msgspec.Struct):
    name: str


class Thing(msgspec.Struct, rename="camel"):
    id: str
    name: str
    made_at: str | None = None
    parts: list[Part] = []
    secret: str | msgspec.UnsetType = msgspec.UNSET


class ThingBody(BaseModel):
    name: str
    is_good: Annotated[bool, Field(validation_alias=AliasChoices("isGood", "is_good"))] = False
    link: str | None = None
    made_at: str | None = None


class ThingFilters(BaseModel):
    names: Annotated[list[str] | None, Field(validation_alias=AliasChoices("names", "name_list"))] = None
    is_good: Annotated[bool | None, Field(validation_alias=AliasChoices("isGood", "is_good"))] = None
    page: Annotated[int, Field(ge=1)] = 1


def router() -> APIRouter:
    routes = APIRouter(prefix="/things")

    @routes.post("", responses=answers(Thing))
    async def create_thing(call: Annotated[WriteCall, Depends(writing("things.write"))], body: ThingBody) -> None: ...

    @routes.get("", responses=answers(list[Thing]), openapi_extra=query_parameters(ThingFilters))
    async def list_things(who: Annotated[KeyIdentity, Depends(require("things.read"))], request: Request) -> None: ...

    @routes.get("/count", responses=answers(int | list[Thing | Part]), openapi_extra=query_parameters(ThingFilters))
    async def count_things(who: Annotated[KeyIdentity, Depends(require("things.read"))], request: Request) -> None: ...

    @routes.put("/bulk", responses=answers(Deleted), openapi_extra=json_body({"type": "array"}))
    @routes.put("/many", responses=answers(Deleted), openapi_extra=json_body({"type": "array"}))
    async def change_things(call: Annotated[WriteCall, Depends(writing("things.write"))], request: Request) -> None: ...

    @routes.get("/{thing_id}", responses=answers(Thing))
    async def get_thing(who: Annotated[KeyIdentity, Depends(require("things.read"))], thing_id: str) -> None: ...

    @routes.api_route("/{thing_id}", methods=["PATCH", "PUT"], responses=answers(Thing, "conflict"))
    async def change_thing(
        call: Annotated[WriteCall, Depends(writing("things.write"))], thing_id: str, body: ThingBody
    ) -> None: ...

    @routes.delete("/{thing_id}", responses=answers(Deleted))
    async def delete_thing(call: Annotated[WriteCall, Depends(writing(None))], thing_id: str) -> None: ...

    @routes.get("/{thing_id}/picture", responses=answers_media("image/png"))
    async def thing_picture(thing_id: str) -> None: ...

    return routes


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    path = tmp_path / "texts.toml"
    path.write_text(TEXTS)
    return Texts.read(path)


def app_of(*routers: APIRouter) -> FastAPI:
    return create_app("things", routers=routers)


@pytest.fixture
def part(texts: Texts) -> dict[str, Any]:
    return document(app_of(router()), texts)


def codes(operation: dict[str, Any]) -> list[str]:
    return list(operation["responses"])


def parameters(operation: dict[str, Any]) -> list[str]:
    return [found.get("name") or found["$ref"].rpartition("/")[2] for found in operation.get("parameters", ())]


def test_each_method_of_each_route_has_a_name_of_its_own(part: dict[str, Any]) -> None:
    named = {f"{method} {path}": it["operationId"] for path, of in part["paths"].items() for method, it in of.items()}
    assert named == {
        "get /things/count": "countThings",
        "put /things/many": "changeThings",
        "put /things/bulk": "changeThingsAtBulk",
        "post /things": "createThing",
        "get /things": "listThings",
        "get /things/{thingId}": "getThing",
        "patch /things/{thingId}": "changeThing",
        "put /things/{thingId}": "changeThingByPut",
        "delete /things/{thingId}": "deleteThing",
        "get /things/{thingId}/picture": "thingPicture",
    }


def test_errors_follow_from_the_route(part: dict[str, Any]) -> None:
    things, thing = part["paths"]["/things"], part["paths"]["/things/{thingId}"]
    assert codes(things["post"]) == ["200", "400", "401", "403", "409", "422", "429", "500", "503"]
    assert codes(things["get"]) == ["200", "401", "403", "422", "429", "500", "503"]
    assert codes(thing["get"]) == ["200", "401", "403", "404", "429", "500", "503"]
    assert codes(thing["patch"]) == ["200", "400", "401", "403", "404", "409", "422", "429", "500", "503"]
    assert codes(part["paths"]["/things/{thingId}/picture"]["get"]) == ["200", "404", "500", "503"]


def test_who_may_call_is_said(part: dict[str, Any]) -> None:
    things = part["paths"]["/things"]
    assert things["post"]["security"] == [{"apiKey": ["things.write"]}]
    assert "Scope: `things.write`." in things["post"]["description"]
    assert part["paths"]["/things/{thingId}"]["delete"]["security"] == [{"apiKey": []}]
    assert part["paths"]["/things/{thingId}/picture"]["get"]["security"] == []


def test_parameters_are_those_of_the_route_and_those_of_its_kind(part: dict[str, Any]) -> None:
    things, thing = part["paths"]["/things"], part["paths"]["/things/{thingId}"]
    assert parameters(things["post"]) == ["ProjectSlug", "IdempotencyKey"]
    assert parameters(things["get"]) == ["names", "isGood", "page", "ProjectSlug"]
    assert parameters(thing["put"]) == ["thingId", "ProjectSlug"]
    assert thing["put"]["parameters"][0]["schema"]["x-resource"] == "thing"
    names, is_good, page = things["get"]["parameters"][:3]
    assert (names["style"], names["explode"], names["schema"]["type"]) == ("form", True, "array")
    assert "commas" in names["description"]
    assert is_good["schema"] == {"$ref": "#/components/schemas/Flag"}
    assert page["schema"]["minimum"] == 1
    assert page["description"] == "Which one. For example `2`."
    assert "example" not in page


def test_answers_are_exact(part: dict[str, Any]) -> None:
    thing = part["components"]["schemas"]["Thing"]
    assert thing["required"] == ["id", "name", "madeAt", "parts"]
    assert thing["additionalProperties"] is False
    assert thing["properties"]["id"]["pattern"] == "^thing_[0-9A-Za-z]{22}$"
    assert thing["properties"]["madeAt"]["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert part["components"]["schemas"]["Part"]["required"] == ["name"]


def test_an_answer_may_be_one_of_several(part: dict[str, Any]) -> None:
    media = part["paths"]["/things/count"]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {**media["schema"], "components": part["components"]}
    thing = {"id": f"thing_{'0' * 22}", "name": "one", "madeAt": None, "parts": []}
    for answer in (7, [], [thing, {"name": "a part"}]):
        jsonschema.validate(answer, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**thing, "more": 1}], schema)


def test_a_body_that_is_read_by_hand_is_a_body(part: dict[str, Any]) -> None:
    operation = part["paths"]["/things/bulk"]["put"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"type": "array"}
    assert {"400", "422"} <= operation["responses"].keys()


def test_answers_have_an_example_that_is_one(part: dict[str, Any]) -> None:
    media = part["paths"]["/things"]["get"]["responses"]["200"]["content"]["application/json"]
    assert media["example"][0]["id"] == "thing_06Fv1xZbQkLq3T8nD5RwYe"
    jsonschema.validate(media["example"], {**media["schema"], "components": part["components"]})
    body = part["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["plain"]["value"] == {"name": "one"}


def test_bodies_show_camel_case_and_take_more(part: dict[str, Any]) -> None:
    body = part["components"]["schemas"]["ThingBody"]
    assert list(body["properties"]) == ["name", "isGood", "link", "made_at"]
    assert body["properties"]["link"] == {"type": "string", "format": "link-key"}
    assert body["properties"]["made_at"] == {"type": "string", "format": "date"}
    assert body["additionalProperties"] is True
    assert "snake_case" in body["description"]
    flag = {**body["properties"]["isGood"], "components": part["components"]}
    for value in (True, 0, "1", "TRUE", "off"):
        jsonschema.validate(value, flag)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("perhaps", flag)


@pytest.mark.parametrize(("least", "most"), [(0, 0), (0, 100), (3, 190), (7, 13), (64, 4096), (99, 101)])
def test_a_number_may_come_as_a_text_that_is_in_its_range(least: int, most: int) -> None:
    pattern = re.compile(whole_number(least, most))
    matching = [number for number in range(most * 3 + 10) if pattern.search(str(number))]
    assert matching == list(range(least, most + 1))
    assert pattern.search(f"0{most}.0")
    assert not pattern.search(f"{most}.5")


def test_what_can_be_done_next_is_linked(part: dict[str, Any]) -> None:
    links = part["paths"]["/things"]["post"]["responses"]["200"]["links"]
    assert links["getThing"] == {"operationId": "getThing", "parameters": {"thingId": "$response.body#/id"}}
    assert links.keys() == {"getThing", "changeThing", "changeThingByPut", "deleteThing", "thingPicture"}


def test_every_error_code_has_its_response(part: dict[str, Any]) -> None:
    responses = part["components"]["responses"]
    assert len(responses) == len(errors.STATUS)
    for response in responses.values():
        media = response["content"]["application/json"]
        jsonschema.validate(media["example"], {**media["schema"], "components": part["components"]})


def test_a_route_that_says_nothing_is_refused(texts: Texts) -> None:
    routes = router()

    @routes.get("/{thing_id}/parts/{part_id}", responses=answers(Part))
    async def get_part(thing_id: str, part_id: str) -> None: ...

    @routes.get("/sum")
    async def sum_things() -> None: ...

    with pytest.raises(DocumentError) as refused:
        document(app_of(routes), texts)
    assert "no summary in [operations.getPart]" in str(refused.value)
    assert "GET /things/sum" in str(refused.value)


def test_parts_that_disagree_are_not_merged(part: dict[str, Any]) -> None:
    with pytest.raises(Clash, match="/things"):
        merged(part, part)
    other = {**part, "paths": {}, "components": {"schemas": {"Thing": {"type": "string"}}}}
    with pytest.raises(Clash, match="schemas: Thing"):
        merged(part, other)


def test_merged_parts_are_written_the_same_in_any_order(part: dict[str, Any]) -> None:
    halves = [{**part, "paths": {path: part["paths"][path]}} for path in part["paths"]]
    assert written(merged(*halves)) == written(merged(*reversed(halves))) == written(part)
