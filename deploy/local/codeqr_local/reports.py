"""Answers of the `codeqr` command about a running stack."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote

from codeqr_local import proc, state
from codeqr_local.errors import StackError
from codeqr_local.internal import InternalApi, NotThere
from codeqr_local.settings import Settings
from codeqr_local.state import StackState

PROJECT_ID = "proj_"
NOT_RUNNING = "no stack is running with the data folder {home}: `make up` starts one"


def running(settings: Settings) -> StackState:
    """The stack of this data folder; StackError when none runs."""
    found = state.read(settings.home)
    if found is None or not found.is_running:
        raise StackError(NOT_RUNNING.format(home=settings.home))
    return found


def ready(settings: Settings) -> StackState:
    """The stack of this data folder, once it is ready."""
    found = running(settings)
    if found.phase != "ready":
        raise StackError(f"the stack is {found.phase}: wait for `make status` to say ready")
    return found


def environment(settings: Settings, *, as_json: bool) -> str:
    """The fields of the running stack as one JSON object, or as shell exports that are safe to eval."""
    found = ready(settings)
    if as_json:
        return json.dumps({**found.environment, "processes": found.living()}, indent=2)
    return "\n".join(
        f"export {export_name(field)}={shlex.quote(value)}"
        for field, value in found.environment.items()
        if value is not None
    )


def export_name(field: str) -> str:
    """E.g. CODEQR_API_URL for apiUrl."""
    return "CODEQR_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field).upper()


def status(settings: Settings, *, as_json: bool) -> str:
    """A table of the processes, or the same as JSON."""
    found = running(settings)
    rows = [(name, item, _memory(item.pid if item.is_alive else None)) for name, item in found.processes.items()]
    if as_json:
        processes = {
            name: {
                "status": item.status,
                "pid": item.pid,
                "ports": item.ports,
                "restarts": item.restarts,
                "memoryMb": mb,
            }
            for name, item, mb in rows
        }
        return json.dumps({"phase": found.phase, "pid": found.supervisor_pid, "processes": processes}, indent=2)
    lines = [f"{found.phase}  (supervisor pid {found.supervisor_pid}, data {settings.home})", ""]
    lines.append(f"{'PROCESS':<14} {'STATUS':<11} {'PID':>8} {'RESTARTS':>8} {'MB':>6}  PORTS")
    for name, item, megabytes in rows:
        shown = ", ".join(str(port) for port in item.ports)
        lines.append(
            f"{name:<14} {item.status:<11} {item.pid or '':>8} {item.restarts:>8} {megabytes or '':>6}  {shown}"
        )
    return "\n".join(lines)


def _memory(pid: int | None) -> int | None:
    size = proc.resident_bytes(pid) if pid else None
    return round(size / 1e6) if size else None


def clicks(settings: Settings, project: str) -> Iterator[bytes]:
    """Lines of JSON, one for each click in ClickHouse. `project`: a slug, or an id, also of a project that is gone."""
    found = ready(settings)
    parameters = {}
    if project.startswith(PROJECT_ID):
        parameters["projectId"] = project
    elif project:
        try:
            parameters["projectId"] = link_api(found).get(f"/internal/projects/{quote(project, safe='')}")["id"]
        except NotThere:
            raise StackError(f"there is no project {project!r}") from None
    analytics = InternalApi(found.internal["analyticsUrl"], found.internal["serviceToken"])
    yield from analytics.lines("/internal/clicks", parameters)


def link_api(found: StackState) -> InternalApi:
    """The internal listener that makes and knows projects."""
    return InternalApi(found.internal["linkApiUrl"], found.internal["serviceToken"])
