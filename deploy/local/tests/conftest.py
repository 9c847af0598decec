"""Shared by the tests of the local stack."""

import socket
import time
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], object], float], None]:
    """eventually(condition, seconds): polls until the condition holds; fails when it does not in time."""

    def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def free_port_base() -> int:
    """A port base with the first hundred ports above it free, as far as one probe in ten can tell."""
    for base in range(21000, 29000, 100):
        if all(_is_free(base + offset) for offset in (0, 1, 6, 10, 11, 20, 30)):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
