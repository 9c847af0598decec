"""The `codeqr` command. Modules that only one command needs are imported by it: scripts call `env` often."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from codeqr_local.errors import StackError

app = typer.Typer(
    help="Run CodeQR on this machine: real engines and all services, as ordinary processes.\n\n"
    "CODEQR_HOME is the data folder (default .local), CODEQR_PORT_BASE the first port (default 8400): with other"
    " values a second stack lives beside the first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
projects = typer.Typer(help="Projects of the running stack.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(projects, name="projects")

SlugArgument = Annotated[str, typer.Argument(help="The project's slug.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command; a StackError is a sentence on standard error and status 1."""
    try:
        app()
    except StackError as error:
        print(f"codeqr: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `| head` has seen enough
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when ready; the stack goes on running.")
    ] = False,
    only: Annotated[str, typer.Option(help="Start only these parts, e.g. kafka,postgres,redis,topics.")] = "",
) -> None:
    """Start the stack and show its logs until Ctrl-C; data of earlier starts is kept.

    An engine whose URL is set (CODEQR_KAFKA_BOOTSTRAP, CODEQR_DATABASE_URL, CODEQR_REDIS_URL, CODEQR_CLICKHOUSE_URL) is
    used from there and not started.
    """
    from codeqr_local import running
    from codeqr_local.settings import Settings

    names = frozenset(name.strip() for name in only.split(",") if name.strip())
    if detach:
        running.start_detached(Settings.load(), names)
    else:
        running.start(Settings.load(), names)


@app.command()
def down() -> None:
    """Stop the stack; returns when every process and port of it is gone."""
    from codeqr_local import running
    from codeqr_local.settings import Settings

    print(running.stop(Settings.load()))


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show every process: status, pid, ports, restarts, memory. Exit status 1 when no stack runs."""
    from codeqr_local import reports
    from codeqr_local.settings import Settings

    print(reports.status(Settings.load(), as_json=as_json))


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="A process, e.g. link-api; all when left out.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many lines of the past, for each process.")
    ] = 40,
) -> None:
    """Show what processes wrote."""
    from codeqr_local import follow as follower
    from codeqr_local.settings import Settings

    follower.show(Settings.load(), name, lines, follow=follow)


@app.command()
def env(as_json: JsonFlag = False) -> None:
    """Print addresses and the demo key of the running stack, as shell exports or JSON."""
    from codeqr_local import reports
    from codeqr_local.settings import Settings

    print(reports.environment(Settings.load(), as_json=as_json))


@projects.command("create")
def create_project(
    name: Annotated[str, typer.Argument(help="The project's name.")],
    slug: Annotated[str, typer.Option(help="Its slug; made of the name when left out.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a project with an API key of every scope and no rate limit. The key is shown only now."""
    from codeqr_local import projects
    from codeqr_local.settings import Settings

    print(projects.create(Settings.load(), name, slug, as_json=as_json))


@projects.command("list")
def list_projects(as_json: JsonFlag = False) -> None:
    """List all projects with how many links, clicks and scans each has."""
    from codeqr_local import projects
    from codeqr_local.settings import Settings

    print(projects.listed(Settings.load(), as_json=as_json))


@projects.command("show")
def show_project(slug: SlugArgument, as_json: JsonFlag = False) -> None:
    """Show a project with its figures and domains."""
    from codeqr_local import projects
    from codeqr_local.settings import Settings

    print(projects.shown(Settings.load(), slug, as_json=as_json))


@projects.command("update")
def update_project(
    slug: SlugArgument,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    new_slug: Annotated[str | None, typer.Option("--slug", help="The new slug.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a project's name or slug. Its keys go on working."""
    from codeqr_local import projects
    from codeqr_local.settings import Settings

    values = {field: value for field, value in (("name", name), ("slug", new_slug)) if value is not None}
    if not values:
        raise typer.BadParameter("say what to change: --name or --slug")
    print(projects.update(Settings.load(), slug, values, as_json=as_json))


@projects.command("delete")
def delete_project(
    slug: SlugArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete a project for good, with its keys, links, domains, tags, webhooks and figures.

    Its keys stop working at once. If the command is broken off, run it again: it goes on.
    """
    from codeqr_local import projects
    from codeqr_local.settings import Settings

    settings = Settings.load()
    links = projects.links_of(settings, slug)
    if links is not None and not yes:
        typer.confirm(f"Delete {slug} with its {links} links and all else that it has, for good?", abort=True, err=True)
    print(projects.delete(settings, slug, _tell_progress, as_json=as_json))


def _tell_progress(links: int) -> None:
    print(f"{links} links deleted …", file=sys.stderr)


@app.command()
def clicks(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line (the only form there is).")] = True,
    project: Annotated[str, typer.Option(help="Slug or id of a project; all when left out.")] = "",
) -> None:
    """Stream every click that ClickHouse holds: id, linkId, time, referrer, bot."""
    from codeqr_local import reports
    from codeqr_local.settings import Settings

    for line in reports.clicks(Settings.load(), project):
        sys.stdout.buffer.write(line)


@app.command()
def demo() -> None:
    """Show the running stack alive: a link, its visits, its figures, its QR code, its callback."""
    import json

    from codeqr_local import reports
    from codeqr_local.demo import run
    from codeqr_local.settings import Settings

    raise typer.Exit(run(json.loads(reports.environment(Settings.load(), as_json=True))))
