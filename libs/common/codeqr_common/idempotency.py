"""Calls that may be repeated: the first answer is kept in the transaction of its effect (contract 1.5)."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    delete,
    func,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What a call with an `Idempotency-Key` is known by, and the fingerprint that tells whether a repeat is one."""

    project_id: str
    method: str
    path: str
    key: str
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The number of its advisory lock: 64 bits of a hash, signed."""
        name = "\n".join((self.project_id, self.method, self.path, self.key)).encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)


class Replayed(Exception):
    """This call has been answered before; `answer` is the body that it got, with status 200."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("answered before")
        self.answer = answer


def fingerprint(body: bytes, query: bytes) -> bytes:
    """The same body is the same bytes and query."""
    return hashlib.sha256(b"%d\n%b%b" % (len(query), query, body)).digest()


def idempotent_calls(metadata: MetaData) -> Table:
    """The table of kept answers, one in each service's schema."""
    names = ("project_id", "method", "path", "key")
    return Table(
        "idempotent_calls",
        metadata,
        *(Column(name, Text, primary_key=True) for name in names),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
    )


class IdempotentCalls:
    """Finds and keeps answers. `kept`: for how long."""

    def __init__(self, table: Table, kept: timedelta = timedelta(hours=24)) -> None:
        self._table = table
        self._kept = kept

    async def begin(self, connection: AsyncConnection, call: Repeatable) -> None:
        """Call it first in the transaction of the effect. Raises `Replayed`, or 409.

        A repeat does not wait for the first call that still runs, for it would hold a connection meanwhile.
        """
        if not (await connection.execute(_TRY_LOCK, {"lock": call.lock})).scalar_one():
            raise errors.conflict("The first call with this Idempotency-Key is still running.")
        await self.find(connection, call)

    async def find(self, connection: AsyncConnection, call: Repeatable) -> None:
        """Raises `Replayed` if the call has been answered, 409 if another one has under its key."""
        fresh = self._table.c.created_at > func.now() - self._kept
        query = select(self._table.c.fingerprint, self._table.c.answer).where(self._is(call), fresh)
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            return
        if bytes(row.fingerprint) != call.fingerprint:
            raise errors.conflict("This Idempotency-Key was used with another body.")
        raise Replayed(bytes(row.answer))

    async def keep(self, connection: AsyncConnection, call: Repeatable, answer: bytes) -> None:
        """Keep the answer of a call that succeeded; last in its transaction."""
        values = {"fingerprint": call.fingerprint, "answer": answer, "created_at": func.now()}
        names = {"project_id": call.project_id, "method": call.method, "path": call.path, "key": call.key}
        statement = insert(self._table).values(**names, **values)
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(self._table.primary_key.columns), set_=values)
        )

    async def forget_old(self, connection: AsyncConnection, *, limit: int) -> int:
        """Delete at most `limit` answers whose time is over, but for those that another process is deleting.

        Gives their number.
        """
        names = list(self._table.primary_key.columns)
        old = select(*names).where(self._is_old()).limit(limit).with_for_update(skip_locked=True)
        return (await connection.execute(delete(self._table).where(tuple_(*names).in_(old)))).rowcount

    async def count_old(self, connection: AsyncConnection, *, limit: int) -> int:
        """How many answers wait to be deleted; counts no further than `limit`."""
        old = select(true()).select_from(self._table).where(self._is_old()).limit(limit).subquery()
        return int((await connection.execute(select(func.count()).select_from(old))).scalar_one())

    def _is_old(self) -> ColumnElement[bool]:
        return self._table.c.created_at <= func.now() - self._kept

    def _is(self, call: Repeatable) -> ColumnElement[bool]:
        columns = self._table.c
        return and_(
            columns.project_id == call.project_id,
            columns.method == call.method,
            columns.path == call.path,
            columns.key == call.key,
        )
