"""The Host header as slugs of domains: lower case, IDNA, with and without port."""

import re

import idna

MAX_HOST = 300
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:/?#@\s]+)(?::(?P<port>\d{1,5}))?")
NAME = re.compile(r"[a-z0-9_.\-]+|\[[0-9a-f:.]+\]")


def candidates(host: str) -> tuple[str, ...]:
    """The slugs that a Host header may mean, best first: whole (a local slug may hold a port), then without its port.

    Empty for what is no host.
    """
    if not host or len(host) > MAX_HOST:
        return ()
    found = HOST.fullmatch(host.strip().lower())
    if found is None:
        return ()
    name = _ascii(found["name"].removesuffix("."))
    if name is None:
        return ()
    return (name,) if found["port"] is None else (f"{name}:{found['port']}", name)


def _ascii(name: str) -> str | None:
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    return name if NAME.fullmatch(name) else None
