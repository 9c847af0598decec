"""Fetching rows as mappings from column names to values."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]


async def fetch_all(connection: AsyncConnection, statement: Executable) -> list[Row]:
    return cast(list[Row], list((await connection.execute(statement)).mappings()))


async def fetch_one(connection: AsyncConnection, statement: Executable) -> Row:
    """The one row there must be."""
    return cast(Row, (await connection.execute(statement)).mappings().one())


async def fetch_one_or_none(connection: AsyncConnection, statement: Executable) -> Row | None:
    return cast(Row | None, (await connection.execute(statement)).mappings().one_or_none())


async def fetch_number(connection: AsyncConnection, statement: Executable) -> int | None:
    """The single value of the single row, if there is one."""
    return cast(int | None, (await connection.execute(statement)).scalar_one_or_none())
