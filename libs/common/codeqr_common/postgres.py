"""Postgres: engines with sane limits, migrations under a lock, and the table that keeps consumers' positions."""

from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from codeqr_common.logs import get_logger

log = get_logger(__name__)
MIGRATION_LOCK = 0x636F6465  # one for all services: migrations of two schemas need not run side by side
AWAY_STATES = ("08", "53", "57P", "25006")
"""SQLSTATEs that tell of the server, not of the statement: connection, resources, operator, read-only (a standby)."""
AWAY_ERRORS = (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
ENVIRONMENT = Path(__file__).parent / "alembic_environment"


def create_engine(url: str, *, pool_size: int = 10, lock_timeout_s: float = 0) -> AsyncEngine:
    """An engine over asyncpg for a `postgresql://` URL.

    `lock_timeout_s`: how long a statement may wait for a lock; 0 is no limit. Connections are checked when taken from
    the pool, so that a restarted server costs a reconnection, not an error.
    """
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,  # or errors would carry secrets into logs
        connect_args={"timeout": 5, "command_timeout": 30, "server_settings": _server_settings(lock_timeout_s)},
    )


def _server_settings(lock_timeout_s: float) -> dict[str, str]:
    return {"lock_timeout": str(int(lock_timeout_s * 1000))}


async def create_hot_pool(url: str, *, size: int, lock_timeout_s: float = 0) -> asyncpg.Pool:
    """A pool of the driver's own connections, for single statements on hot paths; connections are made as needed.

    Nothing that they do leaves a mark on the session, so nothing is reset when they go back.
    """
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        init=_decode_json,
        reset=_nothing,
        timeout=5,
        command_timeout=30,
        # The same few statements again and again: planned once, and too short to be compiled.
        server_settings=_server_settings(lock_timeout_s) | {"plan_cache_mode": "force_generic_plan", "jit": "off"},
    )


async def _decode_json(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=_as_text, decoder=msgspec.json.decode, schema="pg_catalog")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _nothing(_connection: asyncpg.Connection) -> None:
    return


def is_away(error: BaseException) -> bool:
    """Whether `error` says that Postgres cannot be reached or takes no work, rather than that the work is wrong.

    SQLAlchemy over asyncpg raises plain `DBAPIError` for a server that is starting up or whose connections broke; while
    connecting, asyncpg's own errors come through.
    """
    if isinstance(error, AWAY_ERRORS):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(AWAY_STATES)
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", None) or "")
    cause = error.orig.__cause__ if error.orig is not None else None
    return error.connection_invalidated or state.startswith(AWAY_STATES) or isinstance(cause, AWAY_ERRORS)


async def check(engine: AsyncEngine) -> None:
    """Raise when Postgres does not answer."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


def consumer_offsets(metadata: MetaData) -> Table:
    """The table of positions that move in the same transaction as a consumer's effects.

    `stream` is the Kafka cluster's id and the topic, so that offsets of another cluster never meet; `next` is the
    first offset whose effect is not yet there.
    """
    return Table(
        "consumer_offsets",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("stream", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next", BigInteger, nullable=False),
    )


async def migrate(package_dir: Path, schema: str, url: str) -> None:
    """Bring `schema` to the newest revision in `<package_dir>/migrations/versions`.

    The schema is made if need be; its version table lives in it. Several processes may call this at once.
    """
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.commit()
            await connection.run_sync(_upgrade, package_dir, schema)
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
    finally:
        await engine.dispose()
    log.info("migrated", schema=schema)


def _upgrade(connection: Connection, package_dir: Path, schema: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(package_dir / "migrations" / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(_attributes(connection, schema))
    command.upgrade(config, "head")


def _attributes(connection: Connection, schema: str) -> dict[str, Any]:
    return {"connection": connection, "schema": schema}
