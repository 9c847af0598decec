"""What a running stack tells other commands: one file, replaced as a whole, readable by its owner only."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from codeqr_local import proc

Phase = Literal["starting", "ready", "stopping", "failed"]
Status = Literal["waiting", "starting", "ready", "restarting", "stopped"]


@dataclass
class ProcessState:
    """One supervised process. started: clock ticks since boot (proc.start_time); together with pid unambiguous."""

    status: Status = "waiting"
    pid: int | None = None
    started: int | None = None
    restarts: int = 0
    seconds_to_ready: float | None = None
    ports: list[int] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether the process with this pid is still the one that was started."""
        return self.pid is not None and self.started is not None and proc.is_alive(self.pid, self.started)


@dataclass
class StackState:
    """A stack as its supervisor last wrote it. `environment` is what `codeqr env --json` prints, but processes."""

    supervisor_pid: int
    supervisor_started: int
    phase: Phase = "starting"
    message: str = ""
    seconds_to_ready: float | None = None
    environment: dict[str, str | None] = field(default_factory=dict)
    internal: dict[str, str] = field(default_factory=dict)
    processes: dict[str, ProcessState] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """False for the remains of a supervisor that died."""
        return proc.is_alive(self.supervisor_pid, self.supervisor_started)

    def living(self) -> dict[str, int]:
        """Name → pid of every process that lives now."""
        return {name: item.pid for name, item in self.processes.items() if item.pid is not None and item.is_alive}


def path(home: Path) -> Path:
    """Where the state of the stack with this data folder stands."""
    return home / "state.json"


def read(home: Path) -> StackState | None:
    """The last written state, or None when there is none that can be read."""
    try:
        data: dict[str, Any] = json.loads(path(home).read_text())
        data["processes"] = {name: ProcessState(**item) for name, item in data["processes"].items()}
        return StackState(**data)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(home: Path, state: StackState) -> None:
    """Replace the state in one step: a reader sees the old or the new one, whole."""
    write_private(path(home), json.dumps(asdict(state), indent=1))


def write_private(target: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(target)
