"""The decision table of the contract (section 3), as one pure function: facts in, answer out.

Rows are functions tried in the table's order; the first that answers wins. A new row is one more function in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from codeqr_common.short_links import RedirectDomain, RedirectLink
from redirector.short_path import ShortPath
from redirector.target import target

PageName = Literal[
    "unknown_host", "root", "method_not_allowed", "not_found", "inspect", "locked", "expired", "not_filled"
]


@dataclass(frozen=True)
class Facts:
    """What the table needs of a request. `now`: milliseconds since the epoch."""

    method: str
    path: ShortPath
    query: bytes
    now: int = 0


@dataclass(frozen=True)
class Redirect:
    """302 to `location`. `visited` is the link when this is a click of it, else None."""

    location: str
    visited: RedirectLink | None = None
    indexed: bool = False


@dataclass(frozen=True)
class Page:
    """A small HTML page of our own. `link` is what an inspect page shows; `allow` the methods of a 405."""

    name: PageName
    status: int
    link: RedirectLink | None = None
    allow: str | None = None


@dataclass(frozen=True)
class File:
    """A file that every short domain has."""

    name: Literal["robots.txt", "favicon.ico"]


Answer = Redirect | Page | File
NOT_FOUND = Page("not_found", 404)
UNKNOWN_HOST = Page("unknown_host", 404)


@dataclass(frozen=True)
class Case:
    """A request on a known domain, with the link that its path names, if there is one."""

    facts: Facts
    domain: RedirectDomain
    link: RedirectLink | None


def needs_link(facts: Facts) -> bool:
    """Whether the answer depends on a link at all: if not, nobody has to be asked for one."""
    return facts.path.key is not None and not _is_own_path(facts.path.text) and facts.method in ("GET", "HEAD")


def decide(facts: Facts, domain: RedirectDomain | None, link: RedirectLink | None) -> Answer:
    """The answer to a request. `domain` is None for a host that is no verified short domain."""
    if domain is None:
        return UNKNOWN_HOST  # row 1
    case = Case(facts, domain, link)
    for row in ROWS:
        answer = row(case)
        if answer is not None:
            return answer
    return NOT_FOUND


def _own_paths(case: Case) -> Answer | None:
    """Row 2."""
    text = case.facts.path.text
    if text == "/robots.txt":
        return File("robots.txt")
    if text == "/favicon.ico":
        return File("favicon.ico")
    return NOT_FOUND if _is_own_path(text) else None


def _root(case: Case) -> Answer | None:
    """Row 3."""
    if case.facts.path.text not in ("/", ""):
        return None
    return Redirect(case.domain.root_url) if case.domain.root_url else Page("root", 200)


def _method(case: Case) -> Answer | None:
    """Row 4."""
    return None if case.facts.method in ("GET", "HEAD") else Page("method_not_allowed", 405, allow="GET, HEAD")


def _no_link(case: Case) -> Answer | None:
    """Row 5."""
    if case.facts.path.key is not None and case.link is not None:
        return None
    return Redirect(case.domain.not_found_url) if case.domain.not_found_url else NOT_FOUND


def _inspect(case: Case) -> Answer | None:
    """Row 7."""
    if not case.facts.path.inspect or case.link is None or case.link.has_password or not case.link.url:
        return None
    return Page("inspect", 200, link=case.link)


def _locked(case: Case) -> Answer | None:
    """Row 8, as far as it goes: nobody passes, for passwords cannot be given here yet."""
    return Page("locked", 401) if case.link is not None and case.link.has_password else None


def _expired(case: Case) -> Answer | None:
    """Row 9."""
    link = case.link
    if link is None or link.expires_at is None or case.facts.now < link.expires_at:
        return None
    url = link.expired_url or case.domain.expired_url
    return Redirect(url) if url else Page("expired", 410)


def _not_filled(case: Case) -> Answer | None:
    """Row 10."""
    return Page("not_filled", 200) if case.link is not None and not case.link.url else None


def _visit(case: Case) -> Answer | None:
    """Rows 14 and 15."""
    if case.link is None:
        return None
    return Redirect(target(case.link.url, case.facts.query), visited=case.link)


ROWS: tuple[Callable[[Case], Answer | None], ...] = (
    *(_own_paths, _root, _method, _no_link, _inspect),
    *(_locked, _expired, _not_filled, _visit),
)


def _is_own_path(text: str | None) -> bool:
    return text is not None and (text in ("/robots.txt", "/favicon.ico") or text.startswith("/.well-known/"))
