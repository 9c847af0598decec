"""What a person sees when the stack is ready: where it is, a key, and three commands to paste."""

from __future__ import annotations

import secrets

from codeqr_local.console import Palette
from codeqr_local.state import StackState

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def lines(running: StackState, palette: Palette) -> list[str]:
    """The summary, line by line. The curl commands use a key of their own each time, so that they always work."""
    env = running.environment
    head = f"CodeQR is ready ({running.seconds_to_ready:.1f} s)" if running.seconds_to_ready else "CodeQR is ready"
    rows = [
        "",
        palette.bold(head),
        f"  API            {env['apiUrl']}",
        f"  short links    http://{env['shortDomain']}/…",
        f"  data           {env['dataDir']}",
    ]
    if not env["apiKey"]:
        return [*rows, ""]
    rows += [
        f"  demo project   {env['projectSlug']}",
        f"  domain         {env['shortDomain']}",
        f"  API key        {env['apiKey']}",
        "",
    ]
    for title, command in commands(running):
        rows += [palette.dim(f"  # {title}"), f"  {command}"]
    return [
        *rows,
        "",
        palette.dim("  make demo shows it alive; make status, make logs; make down (or Ctrl-C) stops it"),
        "",
    ]


def commands(running: StackState) -> list[tuple[str, str]]:
    """Title and shell command: create a link, visit it as a browser, read its analytics."""
    env = running.environment
    key = "try-" + "".join(secrets.choice(_ALPHABET) for _ in range(5))
    bearer = f"-H 'Authorization: Bearer {env['apiKey']}'"
    body = f'{{"url": "https://example.com/hello", "key": "{key}"}}'
    return [
        (
            "create a link",
            f"curl -s {env['apiUrl']}/links {bearer} -H 'Content-Type: application/json' -d '{body}'",
        ),
        ("visit it, as a browser", f"curl -si -A '{_BROWSER}' http://{env['shortDomain']}/{key}"),
        (
            "read its analytics (figures follow within two seconds)",
            f"curl -s '{env['apiUrl']}/analytics?groupBy=count&domain={env['shortDomain']}&key={key}' {bearer}",
        ),
    ]
