"""`python -m redirector serve` answers visitors; `python -m redirector send` empties the spool into Kafka."""

import argparse

from codeqr_common.service import main
from redirector.settings import RedirectorSettings


def run() -> None:
    parser = argparse.ArgumentParser(prog="redirector", description=__doc__)
    parser.add_argument("role", choices=("serve", "send"))
    role = parser.parse_args().role
    settings = RedirectorSettings()  # type: ignore[call-arg]  # the environment has the rest
    if role == "serve":
        from redirector.serve import serve

        main(serve(settings))
    else:
        from redirector.send import send

        main(send(settings))


if __name__ == "__main__":
    run()
