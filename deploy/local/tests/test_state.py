"""The state file, and what `env` makes of it."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from codeqr_local import proc, reports, state
from codeqr_local.errors import StackError
from codeqr_local.settings import Settings
from codeqr_local.state import ProcessState, StackState

AWKWARD = "a b'c\"$HOME`id`\\;é"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"CODEQR_HOME": str(tmp_path)})


def this_process(**fields: object) -> StackState:
    pid = os.getpid()
    started = proc.start_time(pid)
    assert started is not None
    return StackState(supervisor_pid=pid, supervisor_started=started, **fields)  # type: ignore[arg-type]


def test_what_was_written_is_read(settings: Settings) -> None:
    written = this_process(phase="ready", processes={"redis": ProcessState("ready", 12, 34, 1, 0.5, [8405])})
    state.write(settings.home, written)
    assert state.read(settings.home) == written
    assert stat.S_IMODE(state.path(settings.home).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"processes": {"a": {"nonsense": 1}}}'])
def test_a_file_that_cannot_be_read_is_no_state(settings: Settings, text: str) -> None:
    state.path(settings.home).write_text(text)
    assert state.read(settings.home) is None


def test_a_later_process_with_the_same_pid_is_not_the_supervisor(settings: Settings) -> None:
    remains = this_process(phase="ready")
    remains.supervisor_started -= 1
    state.write(settings.home, remains)
    found = state.read(settings.home)
    assert found is not None
    assert not found.is_running
    with pytest.raises(StackError, match="no stack is running"):
        reports.environment(settings, as_json=True)


def test_only_living_processes_are_listed(settings: Settings) -> None:
    me = this_process()
    processes = {
        "alive": ProcessState("ready", me.supervisor_pid, me.supervisor_started),
        "gone": ProcessState("ready", me.supervisor_pid, me.supervisor_started - 1),
        "waiting": ProcessState(),
    }
    state.write(settings.home, this_process(phase="ready", environment={"apiUrl": "x"}, processes=processes))
    answer = json.loads(reports.environment(settings, as_json=True))
    assert answer == {"apiUrl": "x", "processes": {"alive": os.getpid()}}


def test_exports_are_safe_to_eval(settings: Settings) -> None:
    environment = {"apiUrl": AWKWARD, "clickhouseUrl": None, "kafkaBootstrap": "127.0.0.1:8402"}
    state.write(settings.home, this_process(phase="ready", environment=environment))
    exports = reports.environment(settings, as_json=False)
    script = f'{exports}\nprintf %s "$CODEQR_API_URL|$CODEQR_KAFKA_BOOTSTRAP|${{CODEQR_CLICKHOUSE_URL-unset}}"'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={})
    assert said.stdout == f"{AWKWARD}|127.0.0.1:8402|unset"


def test_a_stack_that_is_starting_has_no_environment_yet(settings: Settings) -> None:
    state.write(settings.home, this_process(phase="starting"))
    with pytest.raises(StackError, match="starting"):
        reports.environment(settings, as_json=True)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("CODEQR_PORT_BASE", "abc", "CODEQR_PORT_BASE must be a whole number"),
        ("CODEQR_PORT_BASE", "80", "CODEQR_PORT_BASE must be from 1024"),
        ("CODEQR_REDIRECTORS", "0", "CODEQR_REDIRECTORS must be from 1"),
    ],
)
def test_settings_that_cannot_be_used_are_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(StackError, match=message):
        Settings.load({variable: value})
