"""This service's part of the API's reference."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from codeqr_common import postgres, redis
from codeqr_common.auth.gate import remote_gate
from codeqr_common.auth.usage import KeyUsage, remote_report
from codeqr_common.http.internal import InternalClient
from codeqr_common.http.openapi import Texts, document
from webhooks.app import api
from webhooks.settings import WebhooksSettings

TEXTS = Path(__file__).with_name("reference.toml")


def application() -> FastAPI:
    """The public application itself, whose parts are made but connect to nothing."""
    settings = WebhooksSettings(service_token=SecretStr("none"))
    link_api = InternalClient(settings.link_api_internal_url, settings.service_token)
    gate = remote_gate(redis.connect(settings.redis_url), link_api, KeyUsage(remote_report(link_api)))
    return api(settings, postgres.create_engine(settings.database_url), gate)


def part() -> dict[str, Any]:
    """This service's part, as its code gives it."""
    return document(application(), Texts.read(TEXTS))
