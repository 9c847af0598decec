"""Apache Kafka: one node that is broker and controller (KRaft), from the jars that `make install` copied."""

from __future__ import annotations

import shutil
import sysconfig
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from codeqr_local import java, readiness
from codeqr_local.children import Children, LineSink
from codeqr_local.errors import StackError
from codeqr_local.ports import LOOPBACK
from codeqr_local.process import ProcessSpec, StopStage

_LOGGING = Path(__file__).parent / "log4j2.yaml"
_FOREVER_MINUTES = 30 * 24 * 60


def bootstrap(port: int) -> str:
    """Address for clients."""
    return f"{LOOPBACK}:{port}"


def spec(home: Path, port: int, controller_port: int, jars: Path) -> ProcessSpec:
    """The node. Its settings are written anew at every start; its cluster id lives in its data folder alone."""
    if not any(jars.glob("kafka_*.jar")):
        raise StackError(f"Kafka's jars are not in {jars}: run `make install`, or set CODEQR_KAFKA_BOOTSTRAP")
    program = find_java()
    folder = home / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"

    async def prepare(children: Children, on_line: LineSink) -> None:
        if not (folder / "data").exists():
            await _format(program, jars, folder, (port, controller_port), children, on_line)
        properties.write_text(settings(folder / "data", port, controller_port))

    return ProcessSpec(
        name="kafka",
        command=(
            *(str(program), "-Xms128m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
            *(f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", f"{jars}/*", "kafka.Kafka", str(properties)),
        ),
        ready=readiness.kafka(bootstrap(port)),
        stage=StopStage.ENGINE,
        ports=(port, controller_port),
        folder=folder,
        prepare=prepare,
        quiet=True,
    )


def settings(data: Path, port: int, controller_port: int) -> str:
    """The text of server.properties."""
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        # One node: internal topics have one replica and few partitions.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "8",
        "group.initial.rebalance.delay.ms": "0",
        # After a kill -9 the node is let back in when its old session ends.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        # A spool's position must outlive a month of silence (the default is a week).
        "offsets.retention.minutes": str(_FOREVER_MINUTES),
        # A dead sender's open transaction holds readers back until it is aborted.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        "log.cleaner.dedupe.buffer.size": str(8 << 20),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def find_java() -> Path:
    """The `java` program to use."""
    found = java.installed() or java.bundled(Path(sysconfig.get_paths()["platlib"]))
    if found is None:
        raise StackError(f"Java {java.OLDEST} or newer is missing: run `make install` (it brings one)")
    return found


async def _format(
    program: Path, jars: Path, folder: Path, ports: tuple[int, int], children: Children, on_line: LineSink
) -> None:
    """Make the data folder beside its place, then move it there: a half-formatted one is never seen."""
    fresh = folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    properties = folder / "format.properties"
    properties.write_text(settings(fresh, *ports))
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # An id must not begin with a dash: it would be read as an option.
    cluster_id = f"c{cluster_id[1:]}"
    command = (
        *(str(program), "-Xshare:auto", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={_LOGGING}"),
        *("-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "--standalone"),
        *("-t", cluster_id, "-c", str(properties)),
    )
    status = await children.run(command, on_line, folder=folder)
    if status != 0:
        raise StackError(f"Kafka's data folder could not be formatted (status {status}); see logs/kafka.log")
    fresh.rename(folder / "data")
