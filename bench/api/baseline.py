"""What the link API is compared with: bare FastAPI routes, each with one prepared statement of asyncpg.

The rows have the size of a link's row and its event's together, the answers the size of the link API's. Same server,
same event loop, a pool of the same size; nothing else.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import Body, FastAPI
from fastapi.responses import Response

from codeqr_common.ids import new_id

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text NOT NULL);
"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["CODEQR_DATABASE_URL"],
        min_size=1,
        max_size=int(os.environ["BENCH_POOL"]),
        server_settings={"jit": "off"},
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
async def insert(body: dict[str, Any] = Body()) -> Response:
    await app.state.pool.fetchval("INSERT INTO bench.rows (content) VALUES ($1) RETURNING id", body["url"] + ROW)
    return Response(ANSWER, media_type="application/json")


COPIES = """
WITH new AS (SELECT * FROM unnest($1::text[], $2::text[]) AS new (id, key)),
named AS (
    INSERT INTO links.short_links (domain, key_folded, version, link_id)
    SELECT domain, new.key, nextval('links.versions'), new.id FROM new, links.links AS sample WHERE sample.id = $3
),
told AS (
    INSERT INTO links.outbox (shard, topic, key, value, headers, register)
    SELECT shard, topic, new.id, value, headers, register FROM new, links.outbox AS sample
    WHERE sample.id = $5
),
noted AS (
    INSERT INTO links.audit (project_id, id, at, action, resource_id, key_id, user_id, request_id)
    SELECT project_id, new.id, at, action, new.id, key_id, user_id, request_id
    FROM new, links.audit AS sample
    WHERE sample.project_id = $4 AND sample.id = (SELECT min(id) FROM links.audit WHERE project_id = $4)
)
INSERT INTO links.links (id, project_id, user_id, domain_id, domain, key, key_folded, url, title, utm_source,
    search_text, created_at, updated_at)
SELECT new.id, project_id, user_id, domain_id, domain, new.key, new.key, url, title, utm_source,
    replace(search_text, sample.key_folded, new.key), created_at, updated_at
FROM new, links.links AS sample WHERE sample.id = $3
"""
"""As many rows as there are bodies, like one that the link API has made, in the tables and indexes that it uses."""


@app.post("/rows/bulk")
async def insert_many(sample: str, event: int, project: str, body: list[dict[str, Any]] = Body()) -> Response:
    keys = [secrets.token_hex(6) for _ in body]
    await app.state.pool.execute(COPIES, [new_id("link") for _ in body], keys, sample, project, event)
    return Response(b"[" + b",".join([ANSWER] * len(body)) + b"]", media_type="application/json")


@app.get("/rows/info")
async def select() -> Response:
    await app.state.pool.fetchrow("SELECT * FROM bench.rows WHERE id = $1", app.state.first)
    return Response(ANSWER, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["CODEQR_PORT"]), access_log=False, log_level="warning", loop="uvloop"
    )
