"""Where a visitor is sent: the link's url with the parameters that belong on it (contract, section 3, "The target").

Everything works on the text as it stands: what nobody replaces survives byte for byte.
"""

import re
from urllib.parse import unquote_plus

OURS = frozenset({"qr", "cq_id"})
UNSAFE = re.compile(rb"[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~%\[\]|^`{}\\]")


def parameters(query: str) -> list[tuple[str, str]]:
    """`(decoded name, text as sent)` of each parameter in a query."""
    return [(_name(text), text) for text in query.split("&") if text]


def is_scan(query: str) -> bool:
    """Whether the visit came through the link's QR code, which adds `qr=1`."""
    return "qr" in query and any(unquote_plus(text) == "qr=1" for _, text in parameters(query))


def target(url: str, visitor_query: bytes) -> str:
    """The link's `url` with the visitor's own parameters; `url` itself, byte for byte, when they sent none.

    `visitor_query` is the raw query of the request. Only http(s) targets take parameters: in `tel:` or `mailto:` they
    would be part of something else.
    """
    if not visitor_query or not is_web(url):
        return url
    sent = [pair for pair in parameters(to_ascii(visitor_query)) if pair[0] not in OURS]
    return with_parameters(url, sent) if sent else url


def is_web(url: str) -> bool:
    """Whether `url` is http(s)."""
    return url[:8].lower().startswith(("http://", "https://"))


def with_parameters(url: str, sent: list[tuple[str, str]]) -> str:
    """`url` with each name in `sent` replaced by all that was sent of it, in its first place; new names follow."""
    rest, hash_mark, fragment = url.partition("#")
    base, _, query = rest.partition("?")
    waiting: dict[str, list[str]] = {}
    for name, text in sent:
        waiting.setdefault(name, []).append(text)
    names = frozenset(waiting)
    kept: list[str] = []
    for text in query.split("&") if query else []:
        name = _name(text)
        if name not in names or not text:
            kept.append(text)
        elif name in waiting:
            kept.extend(waiting.pop(name))
    kept.extend(text for texts in waiting.values() for text in texts)
    return f"{base}?{'&'.join(kept)}{hash_mark}{fragment}"


def to_ascii(query: bytes) -> str:
    """A raw query as text that may stand in a Location header: other bytes are percent-encoded."""
    return UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], query).decode("ascii")


def _name(text: str) -> str:
    return unquote_plus(text.partition("=")[0])
