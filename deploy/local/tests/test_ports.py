"""The table of ports, and who holds one."""

import os
import socket

import pytest

from codeqr_local.errors import StackError
from codeqr_local.ports import OFFSETS, Ports, describe_holder, is_free, wait_free

MOST_REDIRECTORS = 16


def test_no_two_processes_share_a_port() -> None:
    ports = Ports(8400)
    singles = [ports[name] for name in OFFSETS if name not in ("redirector-admin", "sender-admin")]
    rows = [ports.numbered(row, i) for row in ("redirector-admin", "sender-admin") for i in range(MOST_REDIRECTORS)]
    everything = singles + rows
    assert len(everything) == len(set(everything))
    assert all(8400 <= port < 8500 for port in everything)


@pytest.mark.parametrize(("name", "port"), [("gateway", 8400), ("redirector", 8401), ("kafka", 8402), ("redis", 8405)])
def test_offsets(name: str, port: int) -> None:
    assert Ports(8400)[name] == port


async def test_a_port_in_use_is_reported_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert describe_holder(port, "kafka").startswith(f"port {port} (kafka) is in use by ")
        assert f"(pid {os.getpid()})" in describe_holder(port, "kafka")
        with pytest.raises(StackError, match=rf"(?s)port {port} \(kafka\) is in use by .*CODEQR_PORT_BASE") as caught:
            await wait_free([(port, "kafka")], seconds=0.1)
        assert "\n" in str(caught.value)
    assert is_free(port)
    await wait_free([(port, "kafka")], seconds=0.1)
