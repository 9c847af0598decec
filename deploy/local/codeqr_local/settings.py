"""What the environment says about the local stack; the one place that reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codeqr_local.errors import StackError

KAFKA_VERSION = "4.3.0"
_LAST_OFFSET = 99  # highest port offset in use; see ports.py


@dataclass(frozen=True)
class Settings:
    """The local stack's settings.

    home: data folder, absolute. port_base: the public port; every other port is an offset from it.
    The four URLs replace an engine: it is then not started, and the URL goes to the services.
    """

    home: Path
    port_base: int
    redirectors: int
    kafka_jars: Path
    kafka_bootstrap: str | None
    database_url: str | None
    redis_url: str | None
    clickhouse_url: str | None
    colour: bool
    inherited: Mapping[str, str]

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment; StackError names a variable whose value cannot be used."""
        env = os.environ if environ is None else environ
        return cls(
            home=Path(env.get("CODEQR_HOME") or ".local").absolute(),
            port_base=_number(env, "CODEQR_PORT_BASE", 8400, 1024, 65535 - _LAST_OFFSET),
            redirectors=_number(env, "CODEQR_REDIRECTORS", 2, 1, 16),
            kafka_jars=Path(env.get("CODEQR_KAFKA_JARS") or Path(sys.prefix) / "engines" / f"kafka-{KAFKA_VERSION}"),
            kafka_bootstrap=env.get("CODEQR_KAFKA_BOOTSTRAP") or None,
            database_url=env.get("CODEQR_DATABASE_URL") or None,
            redis_url=env.get("CODEQR_REDIS_URL") or None,
            clickhouse_url=env.get("CODEQR_CLICKHOUSE_URL") or None,
            colour="NO_COLOR" not in env and env.get("TERM") != "dumb",
            inherited=dict(env),
        )


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        raise StackError(f"{name} must be a whole number, not {text!r}") from None
    if not low <= number <= high:
        raise StackError(f"{name} must be from {low} to {high}, not {number}")
    return number
