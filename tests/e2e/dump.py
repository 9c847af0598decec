"""All that is kept of a project, row by row: what tests compare before and after a call that must change nothing."""

import asyncio
import re
from collections.abc import Collection
from typing import Any

import asyncpg

SCHEMAS = ("links", "webhooks")
LEFT_OUT = ("outbox", "key_usage", "alembic_version")
"""Rows that come and go by themselves: events on their way (what they tell of stands elsewhere) and counted calls."""
FOLLOWING = ("webhooks.events", "webhooks.deliveries", "webhooks.attempts")
"""Tables whose rows follow a moment after the call that they tell of: what webhooks are told, and how that went."""
VOLATILE = {"api_keys": ("last_used",)}
ID = re.compile(r"\b[a-z]{2,4}_[0-9A-Za-z]{22}\b")
Dump = dict[str, list[str]]


class Rows:
    """Reads Postgres over a connection of its own. `close` it."""

    def __init__(self, database_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: Any = self._run(asyncpg.connect(database_url))
        self._tables = self._run(self._connection.fetch(_TABLES, list(SCHEMAS), list(LEFT_OUT)))

    def close(self) -> None:
        self._run(self._connection.close())
        self._loop.close()

    def of(self, project_id: str, ids: Collection[str] = ()) -> Dump:
        """By table: every row of the project, and in tables that name no project every row with one of `ids` in it."""
        texts = sorted({project_id, *ids})
        patterns = [f"%{text}%" for text in texts] + [f"%{text.encode().hex()}%" for text in texts]
        query = " UNION ALL ".join(_select(row) for row in self._tables)
        found: Dump = {}
        for row in self._run(self._connection.fetch(query, project_id, patterns)):
            found.setdefault(row["name"], []).append(row["content"])
        return {name: sorted(rows) for name, rows in found.items()}

    def whole(self, project_id: str) -> tuple[Dump, frozenset[str]]:
        """The rows of a project and of all that belongs to it, and the ids by which they hang together."""
        ids: frozenset[str] = frozenset()
        while True:
            dump = self.of(project_id, ids)
            found = frozenset(ID.findall("\n".join(row for rows in dump.values() for row in rows)))
            if found <= ids:
                return dump, ids
            ids |= found

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


def differences(before: Dump, after: Dump, *, settled: bool = True) -> list[str]:
    """Rows that are in one of them only, for people to read.

    Not `settled`: rows of `FOLLOWING` may still be coming and changing, but none may be gone.
    """
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, []), after.get(name, [])
        if name in FOLLOWING and not settled:
            left = {ID.findall(row)[0] for row in new}
            found += [f"{name} lost {row}" for row in old if ID.findall(row)[0] not in left]
            continue
        found += [f"{name} lost {row}" for row in old if row not in new]
        found += [f"{name} gained {row}" for row in new if row not in old]
    return found


_TABLES = """
SELECT table_schema AS schema, table_name AS name,
    EXISTS (SELECT FROM information_schema.columns c WHERE c.table_schema = t.table_schema
        AND c.table_name = t.table_name AND c.column_name = 'project_id') AS has_project
FROM information_schema.tables t
WHERE table_schema = ANY($1) AND NOT table_name = ANY($2) AND table_type = 'BASE TABLE'
ORDER BY 1, 2
"""


def _select(table: Any) -> str:
    content = "to_jsonb(t)" + "".join(f" - '{column}'" for column in VOLATILE.get(table["name"], ()))
    mine = "t.project_id = $1 OR t.project_id IS NULL AND" if table["has_project"] else ""
    name = f"{table['schema']}.{table['name']}"
    where = f"{mine} to_jsonb(t)::text LIKE ANY($2)"
    return f"SELECT '{name}' AS name, ({content})::text AS content FROM {name} t WHERE {where}"
