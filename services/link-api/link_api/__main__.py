"""`python -m link_api api | relay | counters | migrate`: one process, one role."""

import argparse
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from codeqr_common import postgres, redis, service
from codeqr_common.health import Readiness
from codeqr_common.kafka.producers import Publisher
from codeqr_common.service import Listener
from codeqr_common.short_links import Register
from link_api.app import api_readiness, open_parts, private_app, public_app
from link_api.counters.worker import counters_worker
from link_api.outbox.relay import Relay
from link_api.outbox.write_through import WriteThrough
from link_api.settings import LinkApiSettings
from link_api.tables import SCHEMA


async def serve_api(settings: LinkApiSettings) -> None:
    """The public and the internal listener."""
    async with open_parts(settings) as parts:
        await service.run(
            settings,
            listeners=[
                Listener(private_app(settings, parts), settings.host, settings.internal_port),
                Listener(public_app(parts), settings.host, settings.port),
            ],
            tasks={
                "salts": parts.salts.destroy_old,
                "key usage": parts.usage.run,
                "housekeeping": parts.housekeeping.run,
            },
            readiness=api_readiness(parts),
        )


async def relay(settings: LinkApiSettings) -> None:
    """The outbox's way to Kafka."""
    engine = postgres.create_engine(settings.database_url, pool_size=1)
    client = redis.connect(settings.redis_url)
    readiness = Readiness()
    worker = Relay(engine, Publisher(settings.kafka_bootstrap), WriteThrough(Register(client)), readiness)
    try:
        await service.run(settings, tasks={"relay": worker.run}, readiness=readiness)
    finally:
        await client.aclose()
        await engine.dispose()


async def count(settings: LinkApiSettings) -> None:
    """The clicks' way onto the links."""
    engine = postgres.create_engine(settings.database_url, pool_size=2)
    readiness = Readiness()
    try:
        worker = counters_worker(settings.kafka_bootstrap, engine, readiness)
        await service.run(settings, tasks={"counters": worker.run}, readiness=readiness)
    finally:
        await engine.dispose()


async def migrate(settings: LinkApiSettings) -> None:
    """The newest schema, and the shared domains."""
    await postgres.migrate(Path(__file__).parent, SCHEMA, settings.database_url)
    async with open_parts(settings) as parts:
        await parts.domains.ensure_shared(settings.shared_domains)


ROLES: dict[str, Callable[[LinkApiSettings], Coroutine[Any, Any, None]]] = {
    "api": serve_api,
    "relay": relay,
    "counters": count,
    "migrate": migrate,
}
SERVICE_NAMES = {"api": "link-api", "relay": "outbox-relay", "counters": "counters", "migrate": "link-api-migrate"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m link_api", description="Run one role of the link API.")
    parser.add_argument("role", choices=sorted(ROLES))
    role = parser.parse_args().role
    settings = LinkApiSettings()  # type: ignore[call-arg]  # the environment has the token
    service.configure(SERVICE_NAMES[role], settings)
    service.main(ROLES[role](settings))


if __name__ == "__main__":
    main()
