"""Puts the parts together."""

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.auth.gate import Gate
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import internal_app
from webhooks.delivery.sender import Sender
from webhooks.delivery.worker import Limits, Worker
from webhooks.endpoints.routes import internal_router, router
from webhooks.endpoints.service import EndpointService
from webhooks.endpoints.targets import TargetPolicy
from webhooks.settings import WebhooksSettings


def api(settings: WebhooksSettings, engine: AsyncEngine, gate: Gate) -> FastAPI:
    """The public API."""
    app = create_app("webhooks", routers=[router])
    app.state.gate = gate
    app.state.endpoints = _endpoints(settings, engine)
    return app


def internal(settings: WebhooksSettings, engine: AsyncEngine) -> FastAPI:
    """What our own services call."""
    app = internal_app("webhooks-internal", settings.service_token, [internal_router])
    app.state.endpoints = _endpoints(settings, engine)
    return app


def _endpoints(settings: WebhooksSettings, engine: AsyncEngine) -> EndpointService:
    policy = TargetPolicy(allow_http=settings.webhook_allow_http, allowed=settings.allowed_networks)
    return EndpointService(engine, policy)


def sender(settings: WebhooksSettings) -> Sender:
    return Sender(
        allowed=settings.allowed_networks,
        timeout_s=settings.webhook_timeout_s,
        connections=settings.webhook_concurrency,
    )


def worker(settings: WebhooksSettings, engine: AsyncEngine, sender: Sender) -> Worker:
    limits = Limits(
        attempts=settings.webhook_concurrency,
        per_endpoint=settings.webhook_endpoint_concurrency,
        timeout_s=settings.webhook_timeout_s,
    )
    return Worker(engine, sender, settings.retry_delays_s, limits)
