"""Log lines for people."""

import pytest

from codeqr_local.console import Palette, is_trouble, render

PLAIN = Palette(enabled=False)
COLOURED = Palette(enabled=True)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("hello", "             redis          | hello"),
        ("2026-01-02 03:04:05.678 UTC [9] LOG:  up", "03:04:05.678 redis          | [9] LOG:  up"),
        ("2026-01-02T03:04:05 ready", "03:04:05     redis          | ready"),
        ("{not json", "             redis          | {not json"),
        ("[1, 2]", "             redis          | [1, 2]"),
        (
            '{"event": "made", "level": "info", "timestamp": "2026-01-02T03:04:05.678Z", "link_id": 7, "n": [1]}',
            "03:04:05.678 redis          | made  link_id=7 n=[1]",
        ),
        (
            '{"event": "away", "level": "warning", "timestamp": "2026-01-02T03:04:05.678Z", "service": "x"}',
            "03:04:05.678 redis          | WARNING away",
        ),
    ],
)
def test_lines_without_colours(raw: str, shown: str) -> None:
    assert render("redis", raw, PLAIN) == shown


def test_colours_only_where_wanted() -> None:
    assert "\x1b[" in render("redis", "hello", COLOURED)
    assert "\x1b[" not in render("redis", "hello", PLAIN)


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("2026-01-02 ERROR no leader (KafkaServer)", True),
        ("FATAL:  the database system is starting up", True),
        ("[2026-01-02][1][error][main] no", True),
        ("2026-01-02 INFO started (KafkaServer)", False),
        ("LOG:  checkpoint complete", False),
    ],
)
def test_trouble_of_engines_is_shown(line: str, trouble: bool) -> None:
    assert is_trouble(line) is trouble
