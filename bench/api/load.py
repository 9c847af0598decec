"""Load by wrk, and what it cost the service."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.api.processes import OTHER_CORE, cpu_seconds

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("request.lua")


@dataclass(frozen=True)
class Target:
    """A request that is sent again and again, and the process that answers it. `units`: what one request stands for."""

    name: str
    pid: int
    url: str
    method: str = "GET"
    body: str = ""
    key: str = ""
    units: int = 1


@dataclass(frozen=True)
class Sample:
    """One round. `cpu_us`: CPU of the service for a unit, in microseconds."""

    per_second: float
    cpu_us: float


def check_tools() -> None:
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: install it with your system's packages.")


def run(target: Target, seconds: float) -> Sample:
    """Load for so long. Any answer that is not 200 ends the benchmark."""
    before = cpu_seconds(target.pid)
    command = [
        "taskset",
        "-c",
        OTHER_CORE,
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        "--timeout",
        "30s",
        f"-d{seconds:g}s",
        "-s",
        str(SCRIPT),
    ]
    done = subprocess.run(
        [*command, target.url, "--", target.method, target.body, target.key], capture_output=True, text=True, check=True
    )
    spent = cpu_seconds(target.pid) - before
    found = re.search(r"answers=(\d+) failures=(\d+) seconds=([0-9.]+)", done.stdout)
    if found is None or int(found[2]) or not int(found[1]):
        sys.exit(f"{target.name}: not every answer was 200\n{done.stdout}")
    units = int(found[1]) * target.units
    return Sample(units / float(found[3]), spent / units * 1e6)


def interleaved(targets: list[Target], rounds: int, seconds: float) -> dict[str, list[Sample]]:
    """Rounds of all targets in turn, after a short one of each that does not count."""
    samples: dict[str, list[Sample]] = {target.name: [] for target in targets}
    for target in targets:
        run(target, min(seconds, 2))
    for number in range(rounds):
        for target in targets if number % 2 == 0 else reversed(targets):
            sample = run(target, seconds)
            samples[target.name].append(sample)
            print(f"  round {number + 1}  {target.name:28} {sample.per_second:9.0f}/s  {sample.cpu_us:8.0f} us CPU")
    return samples


def ratio(samples: dict[str, list[Sample]], name: str, base: str) -> tuple[float, float]:
    """Medians over rounds of: throughput over the baseline's, and the baseline's CPU over this one's."""
    pairs = list(zip(samples[name], samples[base], strict=True))
    throughput = median(one.per_second / other.per_second for one, other in pairs)
    return throughput, median(other.cpu_us / one.cpu_us for one, other in pairs)
