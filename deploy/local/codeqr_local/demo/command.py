"""The command behind `make demo`."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from rich.console import Console

from codeqr_local import projects
from codeqr_local.demo.client import Refused
from codeqr_local.demo.story import Stage, tell
from codeqr_local.errors import StackError
from codeqr_local.settings import Settings

NO_STACK = "No stack is running here. Start one with `make up` (or `make up-detached`), then try again."


def run(env: Mapping[str, Any]) -> int:
    """Runs the demo against the stack that `env` (the object of `codeqr env --json`) describes; the exit status.

    The demo works in a project of its own, so that it can be repeated and disturbs nothing.
    """
    console = Console(highlight=False)
    if not env.get("apiUrl"):
        console.print(NO_STACK)
        return 1
    try:
        name = f"Demo {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        project = json.loads(projects.create(Settings.load(), name, "", as_json=True))
        stage = Stage(env["apiUrl"], env["shortUrl"], project["slug"], project["apiKey"])
        return asyncio.run(tell(stage, console))
    except (Refused, StackError) as error:
        problem = f"The demo stopped: {error}"
    except aiohttp.ClientConnectionError:
        problem = f"{env['apiUrl']} does not answer. `make status` says what runs."
    except TimeoutError:
        problem = "The API took too long to answer. `make status` says what runs."
    except KeyboardInterrupt:
        problem = "Stopped."
    console.print(problem, style="bold red")
    return 1
