"""`POST /links` one at a time, in bulk, and `GET /links/info`, each beside its bare counterpart."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import asyncpg
import httpx

from bench.api.load import Sample, Target, interleaved, ratio
from bench.api.subjects import LinkApi, bare

BULK = 100
BODY = {
    "url": "https://shop.example.com/collections/spring?campaign=newsletter",
    "title": "Spring collection",
    "utm_source": "newsletter",
}


def measure(engines: Mapping[str, Any], api: LinkApi, rounds: int, seconds: float) -> list[str]:
    """Lines of the report."""
    _, key = api.project("singles")
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {key}"}) as client:
        answer = client.post("/links", json=BODY).raise_for_status()
    row_bytes, event = asyncio.run(_sample(engines["databaseUrl"], answer.json()["id"]))
    sample = f"sample={answer.json()['id']}&project={answer.json()['projectId']}&event={event}"
    with bare(engines, row_bytes, len(answer.content)) as (pid, url):
        body = json.dumps(BODY)
        targets = [
            Target("POST /links", api.pid, f"{api.url}/links", "POST", body, key),
            Target("bare insert", pid, f"{url}/rows", "POST", body),
            Target("GET /links/info", api.pid, f"{api.url}/links/info?linkId={answer.json()['id']}", key=key),
            Target("bare select", pid, f"{url}/rows/info"),
            Target(
                "POST /links/bulk", api.pid, f"{api.url}/links/bulk", "POST", json.dumps([BODY] * BULK), key, units=BULK
            ),
            Target("bare bulk insert", pid, f"{url}/rows/bulk?{sample}", "POST", json.dumps([BODY] * BULK), units=BULK),
        ]
        samples = interleaved(targets, rounds, seconds)
    return [
        f"a link's row and event: {row_bytes} bytes; the answer: {len(answer.content)} bytes",
        _line(samples, "POST /links", "bare insert", "at least 0.5"),
        _line(samples, "GET /links/info", "bare select", "at least 0.6"),
        _line(samples, "POST /links/bulk", "POST /links", "per link, at least 8, or the next"),
        _line(samples, "POST /links/bulk", "bare bulk insert", "at least 0.5"),
    ]


async def _sample(database_url: str, link_id: str) -> tuple[int, int]:
    """The size of what one creation stores in its link and its event, and the event's id in the outbox."""
    connection = await asyncpg.connect(database_url)
    try:
        found = await connection.fetchrow(
            "SELECT pg_column_size(l.*) + pg_column_size(o.*) AS size, o.id AS event"
            " FROM links.links l JOIN links.outbox o ON o.key = l.id WHERE l.id = $1",
            link_id,
        )
        return int(found["size"]), int(found["event"])
    finally:
        await connection.close()


def _line(samples: Mapping[str, list[Sample]], name: str, base: str, wanted: str) -> str:
    throughput, cpu = ratio(dict(samples), name, base)
    return f"{name} / {base}: throughput {throughput:.2f}, CPU {cpu:.2f}  (wanted: {wanted})"
