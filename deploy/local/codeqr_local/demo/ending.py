"""The end of the demo: a callback to look at, the chart, and the sum."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from codeqr_local.demo import screen
from codeqr_local.demo.counts import Counter
from codeqr_local.demo.tally import Tally
from codeqr_local.demo.visitors import Outcome


def tell(console: Console, tally: Tally, minutes: Sequence[Mapping[str, Any]]) -> None:
    """Prints the signed callbacks, and analytics' timeseries if there is one."""
    console.print()
    if tally.created:
        console.print(screen.callback_card("link.created, as it arrived", tally.created, body_lines=8))
    if tally.last:
        console.print(screen.callback_card("the last link.clicked", tally.last, body_lines=20))
    if minutes:
        console.print()
        console.print(screen.chart(minutes))


def judge(console: Console, counter: Counter, outcome: Outcome, tally: Tally, agreed: bool, seconds: float) -> int:
    """Prints the sum and what is wrong with it, if anything; the exit status."""
    problems = _problems(counter, outcome, tally, agreed, seconds)
    console.print(screen.verdict(counter.now, outcome.failed))
    for problem in problems:
        console.print(problem, style="bold red")
    if problems:
        return 1
    console.print("Exact: every visit is counted once, everywhere.", style="bold green")
    return 0


def _problems(counter: Counter, outcome: Outcome, tally: Tally, agreed: bool, seconds: float) -> list[str]:
    problems = []
    if not agreed:
        problems.append(f"The counts do not agree {seconds:.0f} s after the last visit (codeqr logs may say why).")
        if counter.problem:
            problems.append(f"The last question got no answer: {counter.problem}")
    if outcome.failed:
        problems.append(f"{outcome.failed} of the visits failed: {outcome.problem}.")
    if tally.forged:
        problems.append(f"{tally.forged} callbacks came with a signature that does not hold.")
    if tally.created is None:
        problems.append("The link.created callback did not arrive.")
    if agreed and counter.now.answered == 0:
        problems.append("No visit was answered with a redirect.")
    return problems
