"""`python -m bench.api`: the link API's benchmarks. Everything is compared with something measured in the same run."""

import argparse
import shutil
from pathlib import Path

from bench.api import million, singles
from bench.api.load import check_tools
from bench.api.processes import engines
from bench.api.subjects import link_api


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of each load, in each round")
    parser.add_argument("--links", type=int, default=1_000_000, help="of the large project; 0 leaves it out")
    parser.add_argument("--home", type=Path, default=Path(".local/bench"), help="data of the engines; made anew")
    parser.add_argument("--port-base", type=int, default=19400)
    options = parser.parse_args()
    check_tools()
    shutil.rmtree(options.home, ignore_errors=True)
    with engines(options.home, options.port_base) as found, link_api(found) as api:
        report = singles.measure(found, api, options.rounds, options.seconds)
        if options.links:
            report += million.measure(found, api, options.links, options.rounds, options.seconds)
    print("\n".join(["", *report]))


if __name__ == "__main__":
    main()
