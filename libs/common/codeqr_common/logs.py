"""Structured logs: one JSON object a line on stdout, with the request and event ids of the moment."""

import logging
import sys
from typing import Any

import structlog

from codeqr_common.settings import Settings

LIBRARIES = {
    "aiokafka": "CRITICAL",
    "alembic": "WARNING",
    "asyncio": "WARNING",
    "httpcore": "WARNING",
    "httpx": "WARNING",
    "uvicorn": "WARNING",
}
"""aiokafka logs a line for each failed try of each connection; what matters of that we log ourselves."""


def configure(service: str, settings: Settings) -> None:
    """Send our logs and the libraries' to stdout in one format. `service` stands in every line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service, settings.instance or service),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, library_level in LIBRARIES.items():
        logging.getLogger(name).setLevel(library_level)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; call it as `log.info("link created", link_id=…)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(source=name)
    return logger


def _named(service: str, instance: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = service
        event["instance"] = instance
        return event

    return add
