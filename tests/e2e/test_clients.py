"""Programs of API users in several languages (`clients/`), each with nothing but its language's usual HTTP client."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from answers import link_of, ok, refused
from running import Stack

CLIENTS = Path(__file__).with_name("clients")
COMMANDS = {
    "node": ("node", "client.mjs"),
    "python": (sys.executable, "client.py"),
    "php": ("php", "client.php"),
}
LIMIT_S = 60


def run(language: str, api_url: str, api_key: str) -> subprocess.CompletedProcess[str]:
    """Run the language's program, whose environment is these two things alone."""
    program, file = COMMANDS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    environment = {"PATH": os.environ["PATH"], "CODEQR_API_URL": api_url, "CODEQR_API_KEY": api_key}
    command = [program, str(CLIENTS / language / file)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=LIMIT_S, check=False
    )


@pytest.mark.parametrize("language", COMMANDS)
def test_a_program_creates_changes_lists_and_deletes(stack: Stack, language: str) -> None:
    project = stack.new_project()
    done = run(language, stack.api_url, project.api_key)
    assert done.returncode == 0, done.stdout + done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    kept, gone = (link_of(link) for link in printed["created"])
    changed = link_of(printed["changed"])
    assert (changed["id"], changed["url"], changed["title"]) == (kept["id"], "https://shop.example/new", "Novo título")
    assert {name for name in kept if kept[name] != changed[name]} == {"url", "title", "updatedAt"}
    assert [link_of(link) for link in printed["listed"]] == [changed, gone]
    assert printed["deleted"] == {"id": gone["id"]}
    assert [kept["tenantId"], gone["tenantId"]] == [language] * 2
    assert len(kept["tags"]) == 2
    assert "🔥" in kept["title"]
    assert ok(project.api.get("/links")) == [changed]
    refused(project.api.get(f"/links/{gone['id']}"), "not_found")


@pytest.mark.parametrize("language", COMMANDS)
def test_a_program_that_takes_only_200_sees_why_it_was_refused(stack: Stack, language: str) -> None:
    done = run(language, stack.api_url, "codeqr_wrong")
    assert done.returncode != 0
    assert "401" in done.stdout + done.stderr
    assert "unauthorized" in done.stdout + done.stderr
