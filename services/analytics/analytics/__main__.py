"""`python -m analytics serve|ingest|query`."""

import argparse

from analytics.app import Analytics
from analytics.settings import AnalyticsSettings
from codeqr_common.service import Listener, Task, configure, main, run

ROLES = ("serve", "ingest", "query")


async def start(role: str, settings: AnalyticsSettings) -> None:
    """Run one role until a signal asks to stop."""
    configure("analytics", settings)
    analytics = Analytics.open(settings)
    try:
        await run(
            settings,
            listeners=_listeners(analytics) if role != "ingest" else (),
            tasks=_tasks(analytics, role),
            readiness=analytics.readiness,
        )
    finally:
        await analytics.close()


def _tasks(analytics: Analytics, role: str) -> dict[str, Task]:
    ingest: dict[str, Task] = {"ingest": analytics.ingestion().run} if role != "query" else {}
    return ingest if role == "ingest" else {**ingest, "key usage": analytics.usage.run}


def _listeners(analytics: Analytics) -> list[Listener]:
    settings = analytics.settings
    return [
        Listener(analytics.public(), settings.host, settings.port),
        Listener(analytics.internal(), settings.host, settings.internal_port),
    ]


def command() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="analytics", description=__doc__)
    parser.add_argument("role", choices=ROLES, help="serve = ingest and query in one process")
    role = parser.parse_args().role
    settings = AnalyticsSettings()  # type: ignore[call-arg]  # the environment gives them
    if role != "serve" and settings.clickhouse_url.startswith("chdb:"):
        parser.error("an embedded ClickHouse belongs to one process: use serve, or give the URL of a server")
    main(start(role, settings))


if __name__ == "__main__":
    command()
