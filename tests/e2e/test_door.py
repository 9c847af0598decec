"""The door for scripts: `codeqr env`, `codeqr projects create`, `codeqr clicks`."""

import json
import os
import subprocess
from typing import Any

import httpx

from running import Stack

FIELDS = {
    "apiUrl",
    "shortUrl",
    "shortDomain",
    "apiKey",
    "projectSlug",
    "kafkaBootstrap",
    "databaseUrl",
    "redisUrl",
    "clickhouseUrl",
    "dataDir",
    "processes",
}
PROCESSES = {
    "gateway",
    "link-api",
    "outbox-relay",
    "counters",
    "redirector-0",
    "redirector-1",
    "sender-0",
    "sender-1",
    "analytics",
    "webhooks",
    "kafka",
    "postgres",
    "redis",
}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
ARRIVAL_SECONDS = 30.0


def printed(stack: Stack, *arguments: str) -> str:
    done = stack.codeqr(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(stack, "env", "--json"))
    return found


def test_env_has_exactly_the_promised_fields(stack: Stack) -> None:
    found = environment(stack)
    assert set(found) == FIELDS
    assert all(isinstance(found[field], str) for field in FIELDS - {"clickhouseUrl", "processes"})
    assert found["apiUrl"] == stack.api_url
    assert found["shortDomain"] == f"localhost:{httpx.URL(found['shortUrl']).port}"


def test_env_names_the_pid_of_every_living_process(stack: Stack) -> None:
    processes = environment(stack)["processes"]
    assert set(processes) <= PROCESSES
    assert PROCESSES - set(processes) <= {"kafka", "postgres", "redis"}  # engines may be somebody else's
    for pid in processes.values():
        os.kill(pid, 0)


def test_the_key_of_env_opens_the_api(stack: Stack) -> None:
    found = environment(stack)
    answer = httpx.get(
        f"{found['apiUrl']}/links",
        params={"projectSlug": found["projectSlug"]},
        headers={"Authorization": f"Bearer {found['apiKey']}"},
    )
    assert answer.status_code == 200, answer.text


def test_env_without_json_is_the_same_as_shell_exports(stack: Stack) -> None:
    found = environment(stack)
    names = {
        "CODEQR_API_URL": "apiUrl",
        "CODEQR_SHORT_URL": "shortUrl",
        "CODEQR_SHORT_DOMAIN": "shortDomain",
        "CODEQR_API_KEY": "apiKey",
        "CODEQR_PROJECT_SLUG": "projectSlug",
        "CODEQR_DATA_DIR": "dataDir",
    }
    shown = " ".join(f'"${name}"' for name in names)
    script = f'{printed(stack, "env")}\nprintf "%s\\n" {shown}'
    evaluated = subprocess.run(["sh", "-eu", "-c", script], check=True, capture_output=True, text=True)
    assert evaluated.stdout.splitlines() == [found[field] for field in names.values()]


def test_a_made_project_has_a_key_of_its_own(stack: Stack) -> None:
    made = json.loads(printed(stack, "projects", "create", "Door test", "--json"))
    assert set(made) == {"id", "slug", "apiKey"}
    answer = httpx.get(f"{stack.api_url}/links", headers={"Authorization": f"Bearer {made['apiKey']}"})
    assert (answer.status_code, answer.json()) == (200, [])
    assert "x-ratelimit-limit" not in answer.headers


def test_clicks_streams_what_was_visited(stack: Stack) -> None:
    made = json.loads(printed(stack, "projects", "create", "Clicks test", "--json"))
    headers = {"Authorization": f"Bearer {made['apiKey']}"}
    link = httpx.post(f"{stack.api_url}/links", json={"url": "https://example.com/door"}, headers=headers).json()
    referrers = [f"https://ledger.example/{number}?a=b" for number in range(3)]
    for referrer in referrers:
        answer = visit(stack, link["key"], {"User-Agent": BROWSER, "Referer": referrer})
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/door")
    assert visit(stack, link["key"], {"User-Agent": ""}).status_code == 302
    rows = clicks_of(stack, made["slug"], 4)
    assert all(set(row) == {"id", "linkId", "time", "referrer", "bot"} for row in rows)
    assert {row["linkId"] for row in rows} == {link["id"]}
    assert len({row["id"] for row in rows}) == 4
    assert sorted(row["referrer"] for row in rows if not row["bot"]) == referrers
    assert [row["referrer"] for row in rows if row["bot"]] == [None]


def test_clicks_of_an_unknown_project_is_a_sentence(stack: Stack) -> None:
    done = stack.codeqr("clicks", "--json", "--project", "no-such-project")
    assert done.returncode == 1
    assert "no-such-project" in done.stderr
    assert "Traceback" not in done.stderr


def visit(stack: Stack, key: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.get(f"{stack.short_url}/{key}", headers={**headers, "Host": stack.short_domain})


def clicks_of(stack: Stack, slug: str, count: int) -> list[dict[str, Any]]:
    """The project's clicks once there are `count` of them."""

    def enough() -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in printed(stack, "clicks", "--json", "--project", slug).splitlines()]
        return rows if len(rows) >= count else []

    found: list[dict[str, Any]] = stack.wait_until(enough, ARRIVAL_SECONDS)
    return found
