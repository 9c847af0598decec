"""What the demo shows: every function makes one thing to print from what is known."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from codeqr_local.demo import qr
from codeqr_local.demo.cast import PLACES
from codeqr_local.demo.counts import Counts
from codeqr_local.demo.tally import Callback, Tally

BAR_WIDTH = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_NAMES = {place.country: place.name for place in PLACES}
_SHOWN_HEADERS = ("codeqr-signature", "webhook-id", "webhook-timestamp", "webhook-signature")


def link_card(link: Mapping[str, Any], project: str, receiver_url: str) -> Table:
    """The QR code beside what was made."""
    facts = Table.grid(padding=(0, 1))
    facts.add_column(style="dim", justify="right")
    facts.add_column(overflow="fold")
    facts.add_row("short link", Text(link["shortLink"], style="bold cyan"))
    facts.add_row("leads to", link["url"])
    facts.add_row("title", link["title"] or "")
    facts.add_row("tags", ", ".join(tag["name"] for tag in link["tags"]))
    facts.add_row("project", project)
    facts.add_row("callbacks", receiver_url)
    facts.add_row()
    facts.add_row("", Text("A scan of the code adds ?qr=1, so that it\nis told from a click.", style="dim"))
    card = Table.grid(padding=(0, 3))
    card.add_row(qr.draw(f"{link['shortLink']}?qr=1"), facts)
    return card


def live(counts: Counts, tally: Tally, total: int) -> RenderableType:
    """The moving picture: how far each part is, who came, and the pulse of arriving callbacks."""
    tables = Table.grid(expand=True, padding=(0, 2))
    tables.add_column(ratio=1)
    tables.add_column(ratio=1)
    tables.add_row(
        ranking("Countries", tally.countries, 6, _NAMES),
        ranking("Browsers", tally.browsers, 6),
    )
    return Group(_bars(counts, total), Text(), tables, _pulse(tally))


def ranking(title: str, counter: Counter[str], rows: int, names: Mapping[str, str] | None = None) -> Table:
    """The most frequent values with their clicks and a bar; the rest in one row, so that the table adds up."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(title, no_wrap=True)
    table.add_column("clicks", justify="right")
    table.add_column("", ratio=1, min_width=BAR_WIDTH)
    top = counter.most_common(rows)
    most = top[0][1] if top else 1
    for value, clicks in top:
        label = f"{(names or {}).get(value, value)}"
        table.add_row(label, str(clicks), Text(_bar(clicks / most, BAR_WIDTH), style="cyan"))
    if rest := counter.total() - sum(clicks for _, clicks in top):
        others = len(counter) - len(top)
        table.add_row(Text(f"{others} more", style="dim"), Text(str(rest), style="dim"), "")
    return table


def callback_card(title: str, callback: Callback, body_lines: int) -> Panel:
    """A signed callback: its signature headers, the head of its body, and how each signature did."""
    headers = Table.grid(padding=(0, 1))
    headers.add_column(style="dim", justify="right", no_wrap=True, min_width=max(map(len, _SHOWN_HEADERS)))
    headers.add_column(overflow="ellipsis", no_wrap=True)
    for name in _SHOWN_HEADERS:
        headers.add_row(name, callback.headers.get(name, ""))
    lines = json.dumps(callback.payload, indent=2, ensure_ascii=False).splitlines()
    body = Text(
        "\n".join([*lines[:body_lines], "  …"] if len(lines) > body_lines else lines), style="green", no_wrap=True
    )
    checks = Text.assemble(
        _mark(callback.verdict.codeqr), " CodeQR-Signature   ", _mark(callback.verdict.standard), " Standard Webhooks"
    )
    return Panel(Group(headers, Text(), body, Text(), checks), title=title, title_align="left", box=box.ROUNDED)


def chart(minutes: Sequence[Mapping[str, Any]], height: int = 6) -> RenderableType:
    """Analytics' own timeseries, a column a minute: clicks, people only."""
    values = [int(row["clicks"]) for row in minutes]
    most = max(values, default=0)
    shown = Table.grid()
    shown.add_column(justify="right", style="dim")
    shown.add_column(no_wrap=True, style="cyan")
    for level in reversed(range(height)):
        label = str(most) if level == height - 1 else ""
        shown.add_row(
            f"{label} {'┤' if label else '│'}", "".join(_cell(value, most, level, height) for value in values)
        )
    shown.add_row("0 └", Text("─" * len(values), style="dim"))
    if minutes:
        shown.add_row(
            "", Text(f"{_clock(minutes[0])}{_clock(minutes[-1]):>{max(len(values) - 5, 0)}} UTC", style="dim")
        )
    return Group(Text("Clicks a minute, from GET /analytics?groupBy=timeseries&interval=1h", style="bold"), shown)


def verdict(counts: Counts, failed: int) -> Table:
    """The sum at the end, line by line, and whether it is exact."""
    made = counts.answered + counts.answered_bots
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column()
    agree = counts.answered + counts.analytics_bots == made
    table.add_row("visits answered with a redirect", str(made), "")
    table.add_row("  by people", str(counts.answered), "")
    table.add_row("  by bots, as analytics found them", str(counts.analytics_bots), _mark(agree))
    for label, value in (
        ("the link's own counter says", counts.link),
        ("analytics says", counts.analytics),
        ("signed callbacks, both signatures verified", counts.callbacks),
    ):
        table.add_row(label, str(value), _mark(value == counts.answered))
    if failed:
        table.add_row("visits that got no redirect", str(failed), _mark(False))
    return table


def plain(counts: Counts, total: int) -> str:
    """One line of the same figures, for an output that is no terminal."""
    made = counts.answered + counts.answered_bots
    return (
        f"visits {made}/{total}   link {counts.link}   analytics {counts.analytics}   "
        f"callbacks {counts.callbacks}   bots {counts.analytics_bots}"
    )


def _bars(counts: Counts, total: int) -> Table:
    people = max(total - counts.answered_bots, 1)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="bold", width=5)
    table.add_column(ratio=1)
    for label, value, whole in (
        ("visits made", counts.answered + counts.answered_bots, total),
        ("clicks, the link's counter", counts.link, people),
        ("clicks, analytics", counts.analytics, people),
        ("clicks, callbacks verified", counts.callbacks, people),
    ):
        bar = ProgressBar(total=whole, completed=value, complete_style="cyan", finished_style="green")
        table.add_row(label, str(value), bar)
    return table


def _pulse(tally: Tally, seconds: int = 40) -> Text:
    now = int(time.time())
    values = [tally.arrivals[second] for second in range(now - seconds, now)]
    most = max(values, default=0) or 1
    pulse = "".join(_LEVELS[-(-value * 8 // most)] for value in values)
    facts = f"   scans {tally.scans}   callbacks about bots {tally.bots}" if tally.bots else f"   scans {tally.scans}"
    return Text.assemble(("callbacks a second  ", "dim"), (pulse, "magenta"), (facts, "dim"))


def _bar(share: float, width: int) -> str:
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _cell(value: int, most: int, level: int, height: int) -> str:
    filled = round(value * height * 8 / most) - level * 8 if most else 0
    return _LEVELS[min(max(filled, 0), 8)]


def _clock(row: Mapping[str, Any]) -> str:
    return str(row["start"])[11:16]


def _mark(good: bool) -> Text:
    return Text("✓", style="bold green") if good else Text("✗", style="bold red")
