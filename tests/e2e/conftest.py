"""One stack for the whole session, on ports and data of its own.

`E2E_STACK=containers` takes the engines from Docker; `E2E_HOME` and `E2E_PORT_BASE` put the stack elsewhere.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import Collector
from running import Stack

ROOT = Path(__file__).parents[2]
PORT_BASE = os.environ.get("E2E_PORT_BASE", "18400")


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Receives the traces of all services, as an OpenTelemetry collector would."""
    with Collector() as one:
        yield one


@pytest.fixture(scope="session")
def stack(collector: Collector) -> Iterator[Stack]:
    """The running system, fresh; stopped at the end. Its logs stay in `.local/e2e/logs`."""
    home = Path(os.environ.get("E2E_HOME", ROOT / ".local" / "e2e"))
    shutil.rmtree(home, ignore_errors=True)
    environment = {
        **os.environ,
        "CODEQR_HOME": str(home),
        "CODEQR_PORT_BASE": PORT_BASE,
        "CODEQR_WEBHOOK_RETRY_DELAYS": "1,2,5,5,5,5,5,5,5",
        "NO_COLOR": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    if os.environ.get("E2E_STACK") == "containers":
        from containers import engines

        with engines() as (urls, kill):
            yield from _running({**environment, **urls}, home, kill)
    else:
        yield from _running(environment, home, None)


def _running(environment: dict[str, str], home: Path, kill: dict[str, object] | None) -> Iterator[Stack]:
    one = Stack(environment, home, kill or {})
    one.up()
    try:
        yield one
    finally:
        one.down()
