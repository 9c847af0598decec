"""What the installer says when something is missing, and when it does a step again."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from codeqr_local import java

INSTALL = Path(__file__).parents[1] / "install.py"


@pytest.fixture(scope="module")
def install() -> ModuleType:
    found = importlib.util.spec_from_file_location("codeqr_install", INSTALL)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_an_old_python_is_told_what_to_do(install: ModuleType) -> None:
    with pytest.raises(
        install.InstallError, match=r"Python 3\.11 or newer is needed, this is 3\.9: .*make install PYTHON="
    ):
        install.check_python((3, 9))
    install.check_python((3, 11))
    install.check_python((3, 14))


def test_no_maven_is_one_sentence(install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(install.InstallError, match=r"Maven is missing.*apt-get install maven") as caught:
        install.find_maven()
    assert "\n" not in str(caught.value)


def test_no_venv_module_is_one_sentence(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(install.InstallError, match=r"venv module is missing.*apt-get install python3"):
        install.check_venv_module()


def test_a_step_is_done_once_and_again_when_cut_off_or_changed(install: ModuleType, tmp_path: Path) -> None:
    installer = install.Installer(tmp_path)
    installer.python.parent.mkdir(parents=True)
    installer.python.touch()
    calls: list[str] = []

    def cut_off(label: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installer.step(2, "packages", "one", cut_off)
    assert installer.step(2, "packages", "one", calls.append)
    assert not installer.step(2, "packages", "one", calls.append)
    assert installer.step(2, "packages", "two", calls.append)
    assert calls == ["[2/4]", "[2/4]"]


def test_a_failing_program_is_reported(install: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(install.InstallError, match="failed with status 3"):
        install.run_shown(["/bin/sh", "-c", "echo the reason; exit 3"], install.Progress("trying"))
    assert "the reason" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_301"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("command not found", 0),
    ],
)
def test_java_versions(text: str, version: int) -> None:
    assert java.parse_version(text) == version


def test_an_old_java_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho 'java version \"1.8.0_301\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java.installed() is None
