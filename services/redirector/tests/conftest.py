"""What several tests of the redirector need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from redirector.clicks.record import ClickRecord
from redirector.clicks.spool import Spool


def make_record(**changes: object) -> ClickRecord:
    """A click of somebody in São Paulo with Chrome on Windows."""
    facts: dict[str, object] = {
        "id": "0123456789abcdefABCDEF",
        "time": 1_757_161_267_873,
        "project_id": "proj_1",
        "link_id": "link_1",
        "domain": "go.example",
        "key": "Key",
        "key_folded": "key",
        "target": "https://example.com/?utm_source=news",
        "url": "https://example.com/",
        "qr": False,
        "head": False,
        "address": "200.147.35.149",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/126.0.0.0 Safari/537.36",
        "referrer": "https://www.google.com/search?q=x",
        "language": "pt-BR,pt;q=0.9",
        "purpose": "",
    }
    return ClickRecord(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = open_spool(tmp_path)
    yield opened
    opened.close()


def open_spool(directory: Path, **changes: int) -> Spool:
    """A spool with small limits."""
    sizes = {"limit_bytes": 1 << 20, "segment_bytes": 1 << 16, "segment_seconds": 60} | changes
    return Spool(directory, **sizes)


@pytest.fixture(scope="session")
def record_of():  # type: ignore[no-untyped-def]
    return make_record


@pytest.fixture(scope="session")
def spool_in():  # type: ignore[no-untyped-def]
    return open_spool
