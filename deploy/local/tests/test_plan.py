"""What a stack consists of."""

from pathlib import Path

import pytest

from codeqr_local import plan
from codeqr_local.credentials import load_or_make
from codeqr_local.errors import StackError
from codeqr_local.plan import Plan
from codeqr_local.settings import Settings

EXTERNAL = {
    "CODEQR_KAFKA_BOOTSTRAP": "kafka.example:9092",
    "CODEQR_DATABASE_URL": "postgresql://me@db.example/app",
    "CODEQR_REDIS_URL": "redis://cache.example:6379/1",
    "CODEQR_CLICKHOUSE_URL": "http://u:p@clicks.example:8123/db",
}


@pytest.fixture
def base(tmp_path: Path) -> dict[str, str]:
    """A data folder of its own, and jars that are there by name."""
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "kafka_2.13.jar").touch()
    return {"CODEQR_HOME": str(tmp_path / "home"), "CODEQR_KAFKA_JARS": str(jars), "PATH": "/usr/bin:/bin"}


def make(environ: dict[str, str]) -> Plan:
    settings = Settings.load(environ)
    settings.home.mkdir(exist_ok=True)
    return plan.make(settings, load_or_make(settings.home))


def processes(made: Plan) -> set[str]:
    return {spec.name for spec in made.specs}


def test_the_whole_stack(base: dict[str, str]) -> None:
    assert processes(make(base)) == {
        *("kafka", "postgres", "redis", "gateway", "link-api", "outbox-relay", "counters", "analytics", "webhooks"),
        *("redirector-0", "redirector-1", "sender-0", "sender-1"),
    }


def test_an_engine_with_a_url_is_not_started_and_its_url_goes_to_the_services(base: dict[str, str]) -> None:
    made = make(base | EXTERNAL)
    assert not processes(made) & {"kafka", "postgres", "redis"}
    assert {"kafka", "postgres", "redis", "clickhouse"} <= {step.name for step in made.steps}
    link_api = next(spec for spec in made.specs if spec.name == "link-api")
    assert {name: link_api.environment[name] for name in EXTERNAL} == EXTERNAL


def test_own_urls_in_the_environment_replace_nothing(base: dict[str, str]) -> None:
    where = make(base).addresses
    exported = {
        "CODEQR_KAFKA_BOOTSTRAP": where.kafka_bootstrap,
        "CODEQR_DATABASE_URL": where.database_url,
        "CODEQR_REDIS_URL": where.redis_url,
    }
    assert processes(make(base | exported)) == processes(make(base))


def test_a_part_of_the_stack(base: dict[str, str]) -> None:
    part = make(base).only(frozenset({"redis", "redirector-0"}))
    assert processes(part) == {"redis", "redirector-0"}
    assert next(spec for spec in part.specs if spec.name == "redirector-0").after == {"redis"}
    with pytest.raises(StackError, match="no such part: nonsense"):
        make(base).only(frozenset({"nonsense"}))


def test_redirectors_share_a_port_and_pair_with_a_sender(base: dict[str, str]) -> None:
    made = make(base | {"CODEQR_REDIRECTORS": "3"})
    by_name = {spec.name: spec for spec in made.specs}
    for index in range(3):
        redirector, sender = by_name[f"redirector-{index}"], by_name[f"sender-{index}"]
        assert redirector.environment["CODEQR_PORT"] == "8401"
        assert redirector.environment["CODEQR_SPOOL_DIR"] == sender.environment["CODEQR_SPOOL_DIR"]
    assert len({by_name[f"redirector-{index}"].environment["CODEQR_SPOOL_DIR"] for index in range(3)}) == 3


def test_the_environment_wins_over_defaults_but_not_over_addresses(base: dict[str, str]) -> None:
    made = make(base | {"CODEQR_LOG_LEVEL": "debug", "CODEQR_HOST": "0.0.0.0", "CODEQR_WEBHOOK_RETRY_DELAYS": "1,2"})
    environment = next(spec for spec in made.specs if spec.name == "webhooks").environment
    assert environment["CODEQR_LOG_LEVEL"] == "debug"
    assert environment["CODEQR_WEBHOOK_RETRY_DELAYS"] == "1,2"
    assert environment["CODEQR_HOST"] == "127.0.0.1"
