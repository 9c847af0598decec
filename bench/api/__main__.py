"""`python -m bench.api`: the link API's benchmarks. Everything is compared with something measured in the same run."""

import argparse
from pathlib import Path

from bench.api import singles
from bench.api.load import check_tools
from bench.api.processes import engines
from bench.api.subjects import link_api


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load, in each round")
    parser.add_argument("--home", type=Path, default=Path(".local/bench"), help="data of the engines")
    parser.add_argument("--port-base", type=int, default=19400)
    options = parser.parse_args()
    check_tools()
    with engines(options.home, options.port_base) as found, link_api(found) as api:
        report = singles.measure(found, api, options.rounds, options.seconds)
    print("\n".join(["", *report]))


if __name__ == "__main__":
    main()
