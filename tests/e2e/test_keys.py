"""API keys, from their making to their end (contract 1.1 and 8)."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from running import Project, Stack

WITHIN_S = 5.0
PLACES = ("/links", "/analytics", "/webhooks")
"""One path of each service that checks keys by itself."""
FIELDS = {
    *("id", "name", "scopes", "lastFour", "publishable", "rateLimit", "expiresAt", "lastUsed", "previousUntil"),
    *("userId", "projectId", "createdAt", "updatedAt", "usage"),
}
ALL = 17


@pytest.fixture(scope="module")
def project(stack: Stack) -> Project:
    return stack.new_project("keys")


@pytest.fixture
def made(stack: Stack, project: Project) -> Callable[..., tuple[dict[str, Any], httpx.Client]]:
    """Makes a key and a client that holds it."""

    def make(**fields: Any) -> tuple[dict[str, Any], httpx.Client]:
        body = {"name": "a key", "scopes": "all", "rateLimit": 0} | fields
        answer = project.api.post("/tokens", json=body)
        assert answer.status_code == 200, answer.text
        token = answer.json()
        return token, stack.client(token["token"])

    return make


Made = Callable[..., tuple[dict[str, Any], httpx.Client]]


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def in_future(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def statuses(client: httpx.Client) -> list[int]:
    return [client.get(place).status_code for place in PLACES]


def until_refused(client: httpx.Client, since: float) -> None:
    """Every service refuses the key within the promised time, and none lets it through again."""
    while (found := statuses(client)) != [401] * len(PLACES):
        assert set(found) <= {200, 401}
        assert time.monotonic() - since < WITHIN_S, found
    assert statuses(client) == [401] * len(PLACES)


def test_a_key_with_everything(project: Project, made: Made) -> None:
    token, client = made(name="  Dashboard ", expiresAt="2099-12-31T23:59:59+01:00", rateLimit=600.0)
    assert set(token) == FIELDS | {"token"}
    assert token["token"].startswith("codeqr_")
    assert not token["token"].startswith("codeqr_pk_")
    assert len(token["token"]) >= len("codeqr_") + 43  # 256 bits
    assert token["lastFour"] == token["token"][-4:]
    assert (token["name"], token["rateLimit"], len(token["scopes"])) == ("Dashboard", 600, ALL)
    assert token["expiresAt"] == "2099-12-31T22:59:59.000Z"
    assert (token["publishable"], token["lastUsed"], token["previousUntil"]) == (False, None, None)
    assert token["projectId"] == project.id
    assert token["id"].startswith("tok_")
    assert statuses(client) == [200] * len(PLACES)


def test_defaults(made: Made) -> None:
    token, _ = made(rateLimit=None, scopes=["links.read"])
    assert (token["rateLimit"], token["expiresAt"]) == (3000, None)


def test_the_secret_is_shown_once(project: Project, made: Made) -> None:
    token, _ = made()
    listed = project.api.get("/tokens")
    assert token["token"] not in listed.text
    shown = next(one for one in listed.json() if one["id"] == token["id"])
    assert shown == {name: token[name] for name in FIELDS}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ("read", 9),
        (["read", "links.write"], 10),
        ("links.read,tags.read", 2),
        (["links.read", "links.read"], 1),
        ("all", ALL),
    ],
)
def test_presets_and_lists(made: Made, scopes: Any, expected: int) -> None:
    assert len(made(scopes=scopes)[0]["scopes"]) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", value) for value in ("", " ", "x" * 191, "a\x00b", None, 7)],
        *[("scopes", value) for value in (None, [], "", "links", ["links.read", "root"], 5, "*")],
        *[("expiresAt", value) for value in ("2001-01-01T00:00:00Z", "soon", 1893456000, "9999-12-31T23:59:59-23:00")],
        *[("rateLimit", value) for value in (-1, 1.5, 10**12, "many")],
        ("publishable", "maybe"),
    ],
)
def test_wrong_values_make_no_key(project: Project, field: str, value: Any) -> None:
    before = len(project.api.get("/tokens", params={"pageSize": 100}).json())
    answer = project.api.post("/tokens", json={"name": "wrong", "scopes": "all"} | {field: value})
    status, code, message = refusal(answer)
    assert (status, code) == (422, "unprocessable_entity"), answer.text
    assert message.startswith((f"{field}: ", f"{field}."))
    assert len(project.api.get("/tokens", params={"pageSize": 100}).json()) == before


def test_a_publishable_key(stack: Stack, project: Project) -> None:
    token = project.api.post("/tokens", json={"name": "Shop", "publishable": True}).json()
    assert token["token"].startswith("codeqr_pk_")
    assert (token["publishable"], token["scopes"]) == (True, ["conversions.write"])
    client = stack.client(token["token"])
    assert statuses(client) == [403] * len(PLACES)
    assert client.get("/oauth/userinfo").status_code == 403
    wider = {"name": "Shop", "publishable": True, "scopes": ["links.read"]}
    assert refusal(project.api.post("/tokens", json=wider))[0] == 422
    path = f"/tokens/{token['id']}"
    assert refusal(project.api.patch(path, json={"scopes": ["links.read"]}))[0] == 422
    assert project.api.patch(path, json={"scopes": ["conversions.write"], "name": "Page"}).json()["name"] == "Page"
    rotated = project.api.post(f"{path}/rotate").json()
    assert rotated["token"].startswith("codeqr_pk_")


def test_a_scope_that_is_missing_is_named(made: Made) -> None:
    _, reader = made(scopes=["tokens.read"])
    assert reader.get("/tokens").status_code == 200
    assert "tokens.write" in refusal(reader.post("/tokens", json={"name": "a", "scopes": "all"}))[2]
    assert "links.read" in refusal(reader.get("/links"))[2]
    assert "analytics.read" in refusal(reader.get("/analytics"))[2]
    assert "webhooks.read" in refusal(reader.get("/webhooks"))[2]
    assert refusal(made(scopes=["links.read"])[1].get("/tokens"))[0] == 403


@pytest.mark.parametrize(
    ("maker", "wanted", "said"),
    [
        ({"scopes": "tokens.write,links.read"}, {"scopes": "links.read,links.write"}, "links.write"),
        ({"scopes": "tokens.write,links.read"}, {"scopes": "all"}, "lacks the scope"),
        ({"scopes": "tokens.write,read"}, {"publishable": True, "scopes": None}, "conversions.write"),
        ({"rateLimit": 100}, {"rateLimit": 101}, "100 requests"),
        ({"rateLimit": 100}, {"rateLimit": 0}, "100 requests"),
        ({"expiresAt": "2098-01-01T00:00:00Z"}, {"expiresAt": None}, "2098-01-01"),
        ({"expiresAt": "2098-01-01T00:00:00Z"}, {"expiresAt": "2098-01-01T00:00:00.001Z"}, "2098-01-01"),
    ],
)
def test_no_key_makes_one_that_outranks_it(made: Made, maker: Any, wanted: Any, said: str) -> None:
    token, client = made(**maker)
    same = {"rateLimit": token["rateLimit"], "expiresAt": token["expiresAt"], "scopes": "links.read"}
    status, code, message = refusal(client.post("/tokens", json={"name": "higher", **same, **wanted}))
    assert (status, code) == (403, "forbidden")
    assert said in message
    equal = client.post("/tokens", json={"name": "equal", **same, "scopes": token["scopes"]})
    assert equal.status_code == 200, equal.text


def test_a_default_limit_is_never_above_the_makers(made: Made) -> None:
    _, client = made(rateLimit=100)
    assert client.post("/tokens", json={"name": "a", "scopes": "read"}).json()["rateLimit"] == 100


@pytest.mark.parametrize("change", [{"name": "mine"}, {"scopes": "tokens.write"}, {"rateLimit": 1}])
def test_a_key_that_outranks_the_caller_cannot_be_changed_or_rotated(made: Made, change: dict[str, Any]) -> None:
    target, strong = made(scopes="tokens.write,links.write")
    _, weak = made(scopes="tokens.write,links.read")
    _, slow = made(rateLimit=10)
    _, short = made(expiresAt=in_future(hours=1))
    for client in (weak, slow, short):
        assert refusal(client.patch(f"/tokens/{target['id']}", json=change))[:2] == (403, "forbidden")
        assert refusal(client.post(f"/tokens/{target['id']}/rotate"))[:2] == (403, "forbidden")
    assert strong.patch(f"/tokens/{target['id']}", json={"name": "own"}).status_code == 200


def test_a_key_cannot_widen_itself(made: Made) -> None:
    token, client = made(scopes="tokens.write", rateLimit=50, expiresAt=in_future(hours=1))
    path = f"/tokens/{token['id']}"
    for wider in ({"scopes": "all"}, {"rateLimit": 0}, {"rateLimit": 51}, {"expiresAt": None}):
        assert refusal(client.patch(path, json=wider))[:2] == (403, "forbidden"), wider
    narrower = client.patch(path, json={"rateLimit": 49, "name": "narrow"})
    assert (narrower.status_code, narrower.json()["rateLimit"]) == (200, 49)


def test_what_the_caller_may_is_asked_anew(made: Made, project: Project) -> None:
    """The gate may know an older state for some seconds; a key that outlives them must not come of it."""
    token, client = made(scopes="tokens.write,links.read")
    assert client.post("/tokens", json={"name": "a", "scopes": "links.read"}).status_code == 200
    project.api.patch(f"/tokens/{token['id']}", json={"scopes": "tokens.write"})
    refused = refusal(client.post("/tokens", json={"name": "b", "scopes": "links.read"}))
    assert refused[0] == 403
    assert "links.read" in refused[2]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_change(made: Made, project: Project, method: str) -> None:
    token, client = made(scopes="links.read", rateLimit=100)
    path = f"/tokens/{token['id']}"
    changes = {"name": "renamed", "scopes": ["tags.read"], "expires_at": "2090-01-01T00:00:00Z", "rate_limit": 200}
    changed = project.api.request(method, path, json=changes).json()
    assert set(changed) == FIELDS
    assert (changed["name"], changed["scopes"], changed["rateLimit"]) == ("renamed", ["tags.read"], 200)
    assert changed["expiresAt"] == "2090-01-01T00:00:00.000Z"
    assert changed["updatedAt"] > token["updatedAt"]
    assert client.get("/tags").status_code == 200
    assert client.get("/links").status_code == 403
    cleared = project.api.request(method, path, json={"expiresAt": None, "unknown": 1}).json()
    assert (cleared["expiresAt"], cleared["name"]) == (None, "renamed")
    for wrong in ({"name": None}, {"scopes": None}, {"scopes": []}, {"rateLimit": None}, {"expiresAt": "2001-01-01"}):
        assert refusal(project.api.request(method, path, json=wrong))[0] == 422, wrong


def test_a_lowered_limit_counts_from_the_next_request(made: Made, project: Project) -> None:
    token, client = made(rateLimit=1000)
    assert client.get("/links").headers["x-ratelimit-limit"] == "1000"
    project.api.patch(f"/tokens/{token['id']}", json={"rateLimit": 1})
    assert client.get("/links").status_code == 429


def test_a_revoked_key_stops_within_5_seconds_everywhere(made: Made, project: Project) -> None:
    token, client = made()
    assert statuses(client) == [200] * len(PLACES)
    since = time.monotonic()
    assert project.api.delete(f"/tokens/{token['id']}").json() == {"id": token["id"]}
    assert client.get("/links").status_code == 401, "where it was revoked, at once"
    until_refused(client, since)
    assert token["id"] not in project.api.get("/tokens", params={"pageSize": 100}).text
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = project.api.request(method, f"/tokens/{token['id']}{path}", json={"name": "x"})
        assert refusal(answer)[:2] == (404, "not_found")


def test_a_key_may_revoke_itself(made: Made) -> None:
    token, client = made(scopes="tokens.write")
    assert client.delete(f"/tokens/{token['id']}").json() == {"id": token["id"]}
    assert client.get("/tokens").status_code == 401


def test_an_expired_key_stops_everywhere(made: Made) -> None:
    _, client = made(expiresAt=in_future(seconds=2))
    assert statuses(client) == [200] * len(PLACES)
    until_refused(client, time.monotonic() + 2)
    assert "expired" in refusal(client.get("/links"))[2]


def test_rotation_with_an_overlap(stack: Stack, made: Made, project: Project) -> None:
    token, old = made()
    answer = project.api.post(f"/tokens/{token['id']}/rotate", json={"overlap": 4})
    rotated, since = answer.json(), time.monotonic()
    assert set(rotated) == FIELDS | {"token"}
    assert (rotated["id"], rotated["lastFour"]) == (token["id"], rotated["token"][-4:])
    assert rotated["token"] != token["token"]
    assert rotated["previousUntil"] is not None
    new = stack.client(rotated["token"])
    assert statuses(new) == [200] * len(PLACES)
    assert statuses(old) == [200] * len(PLACES), "both work while it lasts"
    until_refused(old, since + 4)
    assert statuses(new) == [200] * len(PLACES)
    listed = {one["id"]: one for one in project.api.get("/tokens", params={"pageSize": 100}).json()}
    assert listed[token["id"]]["previousUntil"] is None


def test_rotation_without_an_overlap_and_twice_in_a_row(stack: Stack, made: Made, project: Project) -> None:
    token, first = made()
    path = f"/tokens/{token['id']}/rotate"
    second = stack.client(project.api.post(path).json()["token"])  # a day, unless one says otherwise
    assert [first.get("/links").status_code, second.get("/links").status_code] == [200, 200]
    third = stack.client(project.api.post(path, json={"overlap": 60}).json()["token"])
    until_refused(first, time.monotonic())
    assert [second.get("/links").status_code, third.get("/links").status_code] == [200, 200]
    fourth = project.api.post(path, json={"overlap": 0}).json()
    assert fourth["previousUntil"] is None
    for client in (second, third):
        until_refused(client, time.monotonic())
    assert statuses(stack.client(fourth["token"])) == [200] * len(PLACES)


@pytest.mark.parametrize("overlap", [-1, 604_801, "long", 1.5])
def test_an_overlap_is_0_to_604800_seconds(made: Made, project: Project, overlap: Any) -> None:
    token, client = made()
    answer = project.api.post(f"/tokens/{token['id']}/rotate", json={"overlap": overlap})
    assert refusal(answer)[0] == 422
    assert client.get("/links").status_code == 200


def test_a_secret_that_is_being_replaced_makes_nothing_that_outlives_it(stack: Stack, made: Made) -> None:
    token, old = made()
    path = f"/tokens/{token['id']}"
    new = stack.client(old.post(f"{path}/rotate", json={"overlap": 600}).json()["token"])
    for attempt in (
        old.post("/tokens", json={"name": "a", "scopes": "read", "rateLimit": 0}),
        old.post(f"{path}/rotate"),
        old.patch(path, json={"name": "mine"}),
    ):
        assert refusal(attempt)[:2] == (403, "forbidden")
    short = {"name": "a", "scopes": "read", "rateLimit": 0, "expiresAt": in_future(seconds=300)}
    assert old.post("/tokens", json=short).status_code == 200
    assert new.post(f"{path}/rotate", json={"overlap": 0}).status_code == 200


def test_two_rotations_at_once_leave_two_secrets_that_work(stack: Stack, made: Made, project: Project) -> None:
    token, _ = made()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: project.api.post(f"/tokens/{token['id']}/rotate"), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    secrets = [token["token"], *(answer.json()["token"] for answer in answers)]
    clients = [stack.client(secret) for secret in secrets]

    def two_work() -> bool:
        return sorted(client.get("/tags").status_code for client in clients) == [200, 200, 401, 401, 401]

    stack.wait_until(two_work, WITHIN_S)


def test_another_projects_keys_do_not_exist(stack: Stack, made: Made) -> None:
    token, client = made()
    stranger = stack.new_project("stranger").api
    assert token["id"] not in stranger.get("/tokens", params={"pageSize": 100}).text
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = stranger.request(method, f"/tokens/{token['id']}{path}", json={"name": "taken"})
        assert refusal(answer)[:2] == (404, "not_found")
    assert client.get("/links").status_code == 200


@pytest.mark.parametrize("key_id", ["tok_none", "%00", "ext_x", "a" * 5000])
def test_an_id_that_is_none(project: Project, key_id: str) -> None:
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        assert project.api.request(method, f"/tokens/{key_id}{path}", json={}).status_code in (404, 422)


def test_the_list_is_paged_newest_first(stack: Stack) -> None:
    api = stack.new_project("paged keys").api
    ids = [api.post("/tokens", json={"name": str(n), "scopes": "read"}).json()["id"] for n in range(5)]
    newest_first = [*reversed(ids)]
    found = [one["id"] for one in api.get("/tokens").json()]
    assert found[:5] == newest_first
    assert len(found) == 6, "and the key that the project was made with"

    def page(**query: Any) -> list[str]:
        return [one["id"] for one in api.get("/tokens", params=query).json()]

    assert [page(page=1, pageSize=2), page(page=2, page_size=2)] == [found[:2], found[2:4]]
    assert page(startingAfter=found[1], pageSize=3) == found[2:5]
    assert page(endingBefore=found[3], pageSize=2) == found[1:3]
    assert api.get("/tokens", params={"page": 1, "startingAfter": found[0]}).status_code == 422
    assert api.get("/tokens", params={"pageSize": 101}).status_code == 422


def test_last_used_and_usage(stack: Stack, made: Made, project: Project) -> None:
    token, client = made()
    for _ in range(3):
        assert statuses(client) == [200] * len(PLACES)

    def shown() -> dict[str, Any]:
        tokens = project.api.get("/tokens", params={"pageSize": 100}).json()
        return next(one for one in tokens if one["id"] == token["id"])

    used = stack.wait_until(lambda: (one := shown())["usage"]["last30Days"] == 9 and one, 15)
    assert abs(datetime.fromisoformat(used["lastUsed"]) - datetime.now(UTC)) < timedelta(minutes=2)
    days = used["usage"]["days"]
    assert len(days) == 30
    assert (days[-1]["date"], sum(day["requests"] for day in days)) == (f"{datetime.now(UTC):%Y-%m-%d}", 9)
    rotated = project.api.post(f"/tokens/{token['id']}/rotate").json()
    assert rotated["usage"]["last30Days"] == 9, "the id stays, and so does what it counts"


def test_whose_key_it_is(stack: Stack, made: Made, project: Project) -> None:
    token, client = made(scopes="links.read")
    info = client.get("/oauth/userinfo").json()
    assert set(info) == {"id", "name", "project"}
    assert info["id"] == token["userId"]
    assert info["project"] == {"id": project.id, "slug": project.slug, "name": "keys", "plan": "self-hosted"}
    assert httpx.get(f"{stack.api_url}/oauth/userinfo").status_code == 401


@pytest.fixture
def stalled_redis(stack: Stack) -> Iterator[Callable[[], None]]:
    """Stops Redis in its tracks; it goes on when the test is over."""
    pid = stack.processes().get("redis")
    if pid is None:
        pytest.skip("Redis is not a process of this stack")
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


@pytest.mark.faults
def test_a_revoked_key_stops_although_redis_is_stalled(
    made: Made, project: Project, stalled_redis: Callable[[], None]
) -> None:
    token, client = made()
    assert statuses(client) == [200] * len(PLACES)
    stalled_redis()
    since = time.monotonic()
    assert project.api.delete(f"/tokens/{token['id']}").status_code == 200
    until_refused(client, since)


def test_no_secret_is_in_any_log(stack: Stack, made: Made, project: Project) -> None:
    token, client = made()
    rotated = client.post(f"/tokens/{token['id']}/rotate", json={"overlap": 0}).json()
    password = "a-password-that-nobody-logs"
    link = project.api.post("/links", json={"url": "https://example.com", "password": password}).json()
    httpx.get(f"{stack.short_url}/{link['key']}", params={"pw": password}, headers={"Host": stack.short_domain})
    hook = {"name": "logs", "url": "http://127.0.0.1:9/never", "triggers": ["link.created"]}
    secret = project.api.post("/webhooks", json=hook).json()["secret"]
    wrong = "codeqr_a-key-that-is-none"
    stack.client(wrong).get("/links")
    stack.client(token["token"]).get("/links")
    project.api.post("/tokens", content=f'{{"name": "{password}", ', headers={"content-type": "application/json"})
    secrets = [token["token"], rotated["token"], project.api_key, stack.api_key, password, secret, wrong]
    logs = list((stack.home / "logs").glob("*"))
    assert logs
    for path in logs:
        text = path.read_text("utf-8", "replace")
        found = [secret for secret in secrets if secret in text]
        assert not found, f"{path.name} holds a secret"


def test_a_key_is_made_while_another_call_revokes_its_maker(stack: Stack, made: Made, project: Project) -> None:
    """Whichever comes first, what is made afterwards by a revoked key is nothing."""
    token, client = made()
    stop, answers = threading.Event(), []

    def keep_making() -> None:
        while not stop.is_set():
            answer = client.post("/tokens", json={"name": "racing", "scopes": "read"})
            answers.append((time.monotonic(), answer.status_code))

    thread = threading.Thread(target=keep_making)
    thread.start()
    stack.wait_until(lambda: any(status == 200 for _, status in answers), 10)
    project.api.delete(f"/tokens/{token['id']}")
    revoked = time.monotonic()
    stack.wait_until(lambda: answers[-1][1] == 401, WITHIN_S)
    stop.set()
    thread.join()
    assert {status for _, status in answers} == {200, 401}
    late = [status for at, status in answers if at > revoked + 0.5]
    assert set(late) <= {401}
