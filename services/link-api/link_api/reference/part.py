"""This service's part of the API's reference."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from codeqr_common.http.app import create_app
from codeqr_common.http.openapi import Texts, document
from link_api.app import PUBLIC_ROUTERS

TEXTS = Path(__file__).with_name("texts.toml")


def application() -> FastAPI:
    """The public application as far as routes go."""
    return create_app("link-api", routers=PUBLIC_ROUTERS)


def part() -> dict[str, Any]:
    """This service's part, as its code gives it."""
    return document(application(), Texts.read(TEXTS))
