"""The engines as containers, for machines with a Docker engine: the same tests then run against server images."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from testcontainers.clickhouse import ClickHouseContainer
from testcontainers.core.container import DockerContainer
from testcontainers.kafka import KafkaContainer
from testcontainers.postgres import PostgresContainer
from testcontainers.redis import RedisContainer

POSTGRES_IMAGE = "postgres:18"
REDIS_IMAGE = "redis:8"
KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
CLICKHOUSE_IMAGE = "clickhouse/clickhouse-server:26.3"


@contextmanager
def engines() -> Iterator[tuple[dict[str, str], dict[str, Callable[[], None]]]]:
    """Start them. Gives the URLs for the stack's environment, and by engine a function that kills and restarts it."""
    with ExitStack() as running:
        # Bound to fixed ports: a container that was killed and started again must be found where it was.
        postgres = running.enter_context(
            PostgresContainer(POSTGRES_IMAGE, driver=None).with_bind_ports(5432, _free_port())
        )
        redis = running.enter_context(RedisContainer(REDIS_IMAGE).with_bind_ports(6379, _free_port()))
        kafka = running.enter_context(KafkaContainer(KAFKA_IMAGE).with_kraft().with_bind_ports(9093, _free_port()))
        clickhouse = running.enter_context(ClickHouseContainer(CLICKHOUSE_IMAGE, port=8123))
        urls = {
            "CODEQR_DATABASE_URL": postgres.get_connection_url(),
            "CODEQR_REDIS_URL": f"redis://{redis.get_container_host_ip()}:{redis.get_exposed_port(6379)}/0",
            "CODEQR_KAFKA_BOOTSTRAP": kafka.get_bootstrap_server(),
            "CODEQR_CLICKHOUSE_URL": (
                f"http://{clickhouse.username}:{clickhouse.password}@{clickhouse.get_container_host_ip()}"
                f":{clickhouse.get_exposed_port(8123)}/{clickhouse.dbname}"
            ),
        }
        yield urls, {name: _killer(one) for name, one in (("postgres", postgres), ("redis", redis), ("kafka", kafka))}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _killer(container: DockerContainer) -> Callable[[], None]:
    def kill() -> None:
        wrapped = container.get_wrapped_container()
        wrapped.kill()
        wrapped.start()

    return kill
