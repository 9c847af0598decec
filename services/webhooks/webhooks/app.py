"""Puts the parts together."""

from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.auth.verifier import KeyVerifier, remote_loader
from codeqr_common.http.app import create_app
from codeqr_common.http.internal import InternalClient
from webhooks.delivery.sender import Sender
from webhooks.delivery.worker import Limits, Worker
from webhooks.endpoints.routes import router
from webhooks.endpoints.service import EndpointService
from webhooks.endpoints.targets import TargetPolicy
from webhooks.settings import WebhooksSettings


def api(settings: WebhooksSettings, engine: AsyncEngine, redis: Redis, link_api: InternalClient) -> FastAPI:
    """The public API."""
    app = create_app("webhooks", routers=[router])
    app.state.verifier = KeyVerifier(redis, remote_loader(link_api))
    policy = TargetPolicy(allow_http=settings.webhook_allow_http, allowed=settings.allowed_networks)
    app.state.endpoints = EndpointService(engine, policy)
    return app


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
