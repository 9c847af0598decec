"""`python -m webhooks serve|api|dispatch|migrate`: API and dispatcher in one process, one of them, or the schema."""

import asyncio
import sys
from pathlib import Path

from codeqr_common import logs, postgres, service
from codeqr_common import redis as redis_client
from codeqr_common.auth.gate import remote_gate
from codeqr_common.auth.usage import KeyUsage, remote_report
from codeqr_common.health import Readiness
from codeqr_common.http.internal import InternalClient
from codeqr_common.service import Listener, Task
from webhooks import app, housekeeping, tables
from webhooks.dispatch.intake import run_click_intake, run_link_intake
from webhooks.dispatch.links import LinkSource
from webhooks.dispatch.patience import DeletionNews
from webhooks.projects.removal import ProjectRemoval
from webhooks.settings import WebhooksSettings

ROLES = {"serve": ("api", "dispatch"), "api": ("api",), "dispatch": ("dispatch",)}
POOL_SIZE = 15


async def _serve(settings: WebhooksSettings, parts: tuple[str, ...]) -> None:
    service.configure("webhooks", settings)
    engine = postgres.create_engine(settings.database_url, pool_size=POOL_SIZE)
    redis = redis_client.connect(settings.redis_url)
    link_api = InternalClient(settings.link_api_internal_url, settings.service_token)
    readiness = Readiness()
    readiness.add("postgres", lambda: postgres.check(engine))
    kafka = settings.kafka_bootstrap
    deletions = DeletionNews(readiness)
    usage = KeyUsage(remote_report(link_api))
    gate = remote_gate(redis, link_api, usage)
    listeners = [
        Listener(app.internal(settings, engine), settings.host, settings.internal_port),
        Listener(app.api(settings, engine, gate), settings.host, settings.port),
    ]
    sender = app.sender(settings)
    worker = app.worker(settings, engine, sender)
    tasks: dict[str, Task] = {
        "link intake": lambda stop: run_link_intake(kafka, engine, deletions, readiness, stop),
        "click intake": lambda stop: run_click_intake(
            kafka, engine, LinkSource(link_api, engine, deletions, stop), readiness, stop
        ),
        "worker": worker.run,
        "housekeeping": lambda stop: housekeeping.run(engine, stop),
        "project removal": ProjectRemoval(engine).run,
    }
    try:
        async with sender:
            await service.run(
                settings,
                listeners=listeners if "api" in parts else [],
                tasks=(tasks if "dispatch" in parts else {}) | ({"key usage": usage.run} if "api" in parts else {}),
                readiness=readiness,
            )
    finally:
        await link_api.aclose()
        await redis.aclose()
        await engine.dispose()


def main() -> None:
    role = sys.argv[1] if len(sys.argv) == 2 else ""
    settings = WebhooksSettings()  # type: ignore[call-arg]  # the rest comes from the environment
    if role == "migrate":
        logs.configure("webhooks", settings)
        asyncio.run(postgres.migrate(Path(__file__).parent, tables.SCHEMA, settings.database_url))
    elif role in ROLES:
        service.main(_serve(settings, ROLES[role]))
    else:
        sys.exit(f"usage: python -m webhooks {'|'.join((*ROLES, 'migrate'))}")


if __name__ == "__main__":
    main()
