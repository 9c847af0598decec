"""The stack's own life: what is left when its supervisor dies, and what a new start finds."""

import json
import os
import signal
import socket
from pathlib import Path

from running import Stack


def is_listening(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_death_of_the_supervisor_leaves_nothing_and_loses_nothing(stack: Stack) -> None:
    link = stack.api.post("/links", json={"url": "https://example.com/kept"}).raise_for_status().json()
    processes = stack.processes()
    ports = [stack.port(offset) for offset in (0, 1, 2, 4, 5, 10, 11, 20, 21, 30)]
    supervisor = json.loads((stack.home / "state.json").read_text())["supervisor_pid"]

    os.kill(supervisor, signal.SIGKILL)
    stack.wait_until(lambda: not any(map(is_alive, processes.values())), 10)
    stack.wait_until(lambda: not any(map(is_listening, ports)), 10)
    assert stack.codeqr("env", "--json").returncode == 1

    stack.up()
    found = stack.api.get("/links/info", params={"linkId": link["id"]})
    assert found.status_code == 200
    assert found.json()["url"] == "https://example.com/kept"
    assert stack.processes().keys() == processes.keys()
