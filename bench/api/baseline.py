"""What the link API is compared with: bare FastAPI routes, each with one prepared statement of asyncpg.

The rows have the size of a link's row and its event's together, the answers the size of the link API's. Same server,
same event loop, a pool of the same size; nothing else.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import Body, FastAPI
from fastapi.responses import Response

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text NOT NULL);
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["CODEQR_DATABASE_URL"], min_size=1, max_size=int(os.environ["BENCH_POOL"])
    ) as pool:
        await pool.execute(SCHEMA)
        app.state.pool = pool
        app.state.first = await pool.fetchval(
            "INSERT INTO bench.rows (content) VALUES ($1) RETURNING id", os.environ["BENCH_ANSWER_BYTES"]
        )
        yield


app = FastAPI(lifespan=lifespan)
ROW = "r" * int(os.environ["BENCH_ROW_BYTES"])
ANSWER = b'{"filler":"' + b"a" * (int(os.environ["BENCH_ANSWER_BYTES"]) - 13) + b'"}'


@app.post("/rows")
async def insert(body: dict[str, Any] = Body()) -> Response:  # noqa: B008
    await app.state.pool.fetchval("INSERT INTO bench.rows (content) VALUES ($1) RETURNING id", body["url"] + ROW)
    return Response(ANSWER, media_type="application/json")


@app.get("/rows/info")
async def select() -> Response:
    await app.state.pool.fetchrow("SELECT * FROM bench.rows WHERE id = $1", app.state.first)
    return Response(ANSWER, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["CODEQR_PORT"]), access_log=False, log_level="warning", loop="uvloop"
    )
