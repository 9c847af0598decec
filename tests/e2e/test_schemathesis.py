"""The API does what its description says, and refuses what it does not: schemathesis against the running stack.

`SCHEMATHESIS_EXAMPLES` (cases of an operation), `SCHEMATHESIS_COVERAGE_SHARE` (which part of the coverage phase: 1 is
all of it, 8 an eighth) and `SCHEMATHESIS_SEED` make another run or a longer one.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from running import Stack

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
SHARE = os.environ.get("SCHEMATHESIS_COVERAGE_SHARE", "8")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
SIZE = {"SCHEMATHESIS_SEED": SEED, "SCHEMATHESIS_COVERAGE_SHARE": SHARE, "NO_COLOR": "1"}
LIMIT_S = 7200


@pytest.mark.parametrize(("phases", "times"), [("examples,coverage,fuzzing", 1), ("stateful", 3)])
def test_the_api_is_as_it_is_described(stack: Stack, phases: str, times: int) -> None:
    """`stateful`: calls that follow from each other's answers."""
    examples = EXAMPLES * times
    folder = stack.home / "schemathesis"  # it leaves its caches where it runs
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", HERE / "schemathesis.toml", "run", f"{stack.api_url}/openapi.json"),
            *("--seed", SEED, "--max-examples", str(examples), "--phases", phases),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **_whom(stack), **SIZE, "SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")},
        timeout=LIMIT_S,
        check=False,
    )
    sys.stdout.write(f"seed {SEED}, {phases}: {examples} examples, 1/{SHARE} of coverage\n{done.stdout}")
    if done.returncode != 0:
        pytest.fail(f"schemathesis found something (seed {SEED}):\n{done.stdout}\n{done.stderr}", pytrace=False)
    chosen = re.search(r"(\d+) selected / (\d+) total", done.stdout)
    assert chosen
    assert chosen[1] == chosen[2] != "0"


def _whom(stack: Stack) -> dict[str, str]:
    """A project of its own; its first key is not limited."""
    project = stack.new_project("schemathesis")
    return {
        "API_URL": stack.api_url,
        "API_KEY": project.api_key,
        "KEY_ID": project.api.get("/tokens").raise_for_status().json()[0]["id"],
        "PROJECT_SLUG": project.slug,
        "SHORT_DOMAIN": stack.short_domain,
    }
