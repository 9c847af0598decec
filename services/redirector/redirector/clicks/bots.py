"""Who is no person: crawlers, HEAD requests, prefetches, and visits without a user agent."""

import re
from pathlib import Path

from codeqr_common.events.clicks import BotReason

_LINES = (Path(__file__).parent / "crawlers.txt").read_text().splitlines()
CRAWLER = re.compile("|".join(line for line in _LINES if line and not line.startswith("#")), re.IGNORECASE)
PREFETCH = re.compile(r"\b(?:prefetch|prerender|preview)\b", re.IGNORECASE)


def bot_reason(*, head: bool, purpose: str, user_agent: str, spider: bool) -> BotReason | None:
    """Why a visit is no person's, or None. `spider`: the user agent database says so."""
    if head:
        return "head"
    if PREFETCH.search(purpose):
        return "prefetch"
    if not user_agent.strip():
        return "no_ua"
    return "ua" if spider or CRAWLER.search(user_agent) else None
