"""What cannot be written ends nothing. A folder that stands where a file should be fails as a full disk does."""

import io
from pathlib import Path

import pytest

from codeqr_local import logbook, state
from codeqr_local.console import Console, Palette
from codeqr_local.logbook import LogFile
from codeqr_local.settings import Settings
from codeqr_local.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "kafka_2.13.jar").touch()
    settings = Settings.load({"CODEQR_HOME": str(home), "CODEQR_KAFKA_JARS": str(tmp_path), "PATH": "/usr/bin:/bin"})
    return Stack(settings, frozenset(), Console(io.StringIO(), Palette(enabled=False)))


def test_a_state_that_cannot_be_written_is_told_once_until_it_can(stack: Stack, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for told in (1, 2):
        state.path(home).mkdir()
        stack._write_state()
        stack._write_state()
        said = logbook.tail(logbook.path(home, "supervisor"), 10)
        assert len(said) == told
        assert "the state cannot be written" in said[-1]
        state.path(home).rmdir()
        stack._write_state()
        assert state.read(home) is not None
        state.path(home).unlink()


def test_a_log_that_cannot_be_opened_loses_lines_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "redis.log"
    path.parent.touch()
    log = LogFile(path)
    log.write("lost")
    path.parent.unlink()
    log.write("kept")
    log.close()
    assert path.read_text() == "kept\n"


def test_a_log_is_turned_over_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "redis.log"
    log = LogFile(path, limit_bytes=10)
    for line in ("first", "second", "third"):
        log.write(line)
    log.close()
    assert path.read_text() == "third\n"
    assert path.with_name("redis.log.1").read_text() == "second\n"


def test_a_log_that_cannot_be_turned_over_grows(tmp_path: Path) -> None:
    path = tmp_path / "redis.log"
    (tmp_path / "redis.log.1").mkdir()
    log = LogFile(path, limit_bytes=10)
    for line in ("first", "second", "third"):
        log.write(line)
    log.close()
    assert path.read_text() == "first\nsecond\nthird\n"
