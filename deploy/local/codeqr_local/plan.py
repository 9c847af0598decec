"""What a stack consists of, from its settings: processes, steps, addresses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from codeqr_local import provision, readiness, services
from codeqr_local.credentials import Credentials
from codeqr_local.engines import clickhouse, external, gateway, kafka, postgres, redis
from codeqr_local.errors import StackError
from codeqr_local.internal import InternalApi
from codeqr_local.ports import LOOPBACK, Ports
from codeqr_local.process import ProcessSpec, Step
from codeqr_local.services import Addresses
from codeqr_local.settings import Settings


@dataclass(frozen=True)
class Plan:
    """Everything that `up` starts."""

    specs: list[ProcessSpec]
    steps: list[Step]
    addresses: Addresses
    short_url: str

    def named_ports(self) -> list[tuple[int, str]]:
        """Every port with the process that will listen on it; shared ones once."""
        return list({port: (port, spec.name) for spec in self.specs for port in spec.ports}.values())

    def only(self, names: frozenset[str]) -> Plan:
        """The part with these processes and steps; what they would wait for outside of it is taken as there."""
        known = {spec.name for spec in self.specs} | {step.name for step in self.steps}
        if unknown := names - known:
            raise StackError(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(sorted(known))})")
        chosen_specs = [_without_outside(spec, names) for spec in self.specs if spec.name in names]
        chosen_steps = [Step(step.name, step.run, step.after & names) for step in self.steps if step.name in names]
        return Plan(chosen_specs, chosen_steps, self.addresses, self.short_url)


def _without_outside(spec: ProcessSpec, names: frozenset[str]) -> ProcessSpec:
    return replace(spec, after=spec.after & names)


def addresses(settings: Settings, ports: Ports) -> Addresses:
    """Where everything is, replaced engines included."""
    home = settings.home
    return Addresses(
        kafka_bootstrap=settings.kafka_bootstrap or kafka.bootstrap(ports["kafka"]),
        database_url=settings.database_url or postgres.url(home, ports["postgres"]),
        redis_url=settings.redis_url or redis.url(home, ports["redis"]),
        clickhouse_url=settings.clickhouse_url or clickhouse.url(home),
        api=f"http://{LOOPBACK}:{ports['gateway']}",
        short_domain=f"localhost:{ports['redirector']}",
        link_api_internal=f"http://{LOOPBACK}:{ports['link-api-internal']}",
        analytics_internal=f"http://{LOOPBACK}:{ports['analytics-internal']}",
        webhooks_internal=f"http://{LOOPBACK}:{ports['webhooks-internal']}",
    )


def without_own(settings: Settings) -> Settings:
    """An engine's URL that is the stack's own, as `eval "$(codeqr env)"` leaves it in a shell, replaces nothing."""
    ports = Ports(settings.port_base)
    own = addresses(
        replace(settings, kafka_bootstrap=None, database_url=None, redis_url=None, clickhouse_url=None), ports
    )
    return replace(
        settings,
        kafka_bootstrap=_unless(settings.kafka_bootstrap, own.kafka_bootstrap),
        database_url=_unless(settings.database_url, own.database_url),
        redis_url=_unless(settings.redis_url, own.redis_url),
        clickhouse_url=_unless(settings.clickhouse_url, own.clickhouse_url),
    )


def _unless(url: str | None, own: str) -> str | None:
    return None if url == own else url


def make(given: Settings, credentials: Credentials) -> Plan:
    """The whole stack."""
    settings = without_own(given)
    ports = Ports(settings.port_base)
    where = addresses(settings, ports)
    environment = services.common_environment(settings, where, credentials.service_token)
    engine_specs, engine_steps = _engines(settings, ports)
    api = InternalApi(where.link_api_internal, credentials.service_token)
    return Plan(
        specs=[
            *engine_specs,
            gateway.spec(settings.home, ports),
            *services.specs(settings.home, ports, settings.redirectors, environment),
        ],
        steps=[*engine_steps, *provision.steps(settings.home, environment, api, credentials)],
        addresses=where,
        short_url=f"http://{LOOPBACK}:{ports['redirector']}",
    )


def _engines(settings: Settings, ports: Ports) -> tuple[list[ProcessSpec], list[Step]]:
    """A process for each engine that is ours to run, a check for each that is not."""
    home = settings.home
    specs: list[ProcessSpec] = []
    steps: list[Step] = []
    if settings.kafka_bootstrap:
        probe = readiness.kafka(settings.kafka_bootstrap)
        steps.append(external.step("kafka", "CODEQR_KAFKA_BOOTSTRAP", probe))
    else:
        specs.append(kafka.spec(home, ports["kafka"], ports["kafka-controller"], settings.kafka_jars))
    if settings.database_url:
        probe = readiness.postgres(settings.database_url)
        steps.append(external.step("postgres", "CODEQR_DATABASE_URL", probe))
    else:
        specs.append(postgres.spec(home, ports["postgres"]))
    if settings.redis_url:
        steps.append(external.step("redis", "CODEQR_REDIS_URL", readiness.redis(settings.redis_url)))
    else:
        specs.append(redis.spec(home, ports["redis"]))
    steps.append(external.step("clickhouse", "CODEQR_CLICKHOUSE_URL", _clickhouse_probe(settings.clickhouse_url)))
    return specs, steps


def _clickhouse_probe(url: str | None) -> readiness.Probe:
    """An embedded ClickHouse is there when analytics is."""
    parts = urlsplit(url or "")
    if parts.scheme not in ("http", "https"):
        return _ready_at_once
    if parts.scheme == "https":
        return readiness.tcp(parts.hostname or LOOPBACK, parts.port or 8443)
    return readiness.http(f"http://{parts.hostname}:{parts.port or 8123}/ping")


async def _ready_at_once() -> None:
    return


def shown_environment(plan: Plan, settings: Settings, credentials: Credentials) -> dict[str, str | None]:
    """The fields of `codeqr env --json`, but for `processes`."""
    where = plan.addresses
    embedded = where.clickhouse_url.startswith("chdb:")
    has_project = any(step.name == provision.DEMO_PROJECT for step in plan.steps)
    return {
        "apiUrl": where.api,
        "shortUrl": plan.short_url,
        "shortDomain": where.short_domain,
        "apiKey": credentials.api_key if has_project else None,
        "projectSlug": credentials.project_slug if has_project else None,
        "kafkaBootstrap": where.kafka_bootstrap,
        "databaseUrl": where.database_url,
        "redisUrl": where.redis_url,
        "clickhouseUrl": None if embedded else where.clickhouse_url,
        "dataDir": str(settings.home),
    }
