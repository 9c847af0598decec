"""This service's part of the API's reference."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from analytics.app import Analytics
from analytics.settings import AnalyticsSettings
from codeqr_common.http.openapi import Texts, document

TEXTS = Path(__file__).with_name("reference.toml")


def application() -> FastAPI:
    """The public application itself, whose parts are made but connect to nothing."""
    settings = AnalyticsSettings(service_token=SecretStr("none"), clickhouse_url="http://none.invalid")
    return Analytics.open(settings).public()


def part() -> dict[str, Any]:
    """This service's part, as its code gives it."""
    return document(application(), Texts.read(TEXTS))
