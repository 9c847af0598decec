"""Brings the tables up to date: numbered files, each applied once, in order.

ClickHouse has no transactions around its DDL: a death between a file's statements and the note that it is applied
runs the file again, so every statement must be harmless when repeated (`IF NOT EXISTS` and the like).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from codeqr_common.logs import get_logger

log = get_logger(__name__)
FOLDER = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
APPLIED = """
CREATE TABLE IF NOT EXISTS migrations (number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY number
"""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    statements: tuple[str, ...]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files of `folder` in order; raises ValueError for a misnamed file or a number used twice."""
    found = sorted(_read(path) for path in folder.glob("*.sql"))
    numbers = [number for number, _, _ in found]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations are not numbered 1, 2, 3 …: {numbers}")
    return [Migration(*parts) for parts in found]


def migrate(client: Client) -> list[str]:
    """Apply what is missing; gives the names of what it applied."""
    client.command(APPLIED)
    done = {row[0] for row in client.query("SELECT DISTINCT number FROM migrations").result_rows}
    missing = [migration for migration in migrations() if migration.number not in done]
    for migration in missing:
        for statement in migration.statements:
            client.command(statement)
        client.command(
            "INSERT INTO migrations (number, name) SELECT {number:UInt32}, {name:String}",
            parameters={"number": migration.number, "name": migration.name},
        )
        log.info("migration applied", number=migration.number, migration=migration.name)
    return [migration.name for migration in missing]


def _read(path: Path) -> tuple[int, str, tuple[str, ...]]:
    match = FILE_NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name}: migrations are named 0001_what.sql")
    return int(match[1]), match[2], tuple(_statements(path.read_text()))


def _statements(text: str) -> Iterator[str]:
    """Statements end with a semicolon at the end of a line; comments are whole lines."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for statement in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE):
        if statement.strip():
            yield statement.strip()
