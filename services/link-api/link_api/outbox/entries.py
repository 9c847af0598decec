"""What a change means for the register in Redis, kept with its event until both are out."""

from collections.abc import Iterable

import msgspec

from codeqr_common.short_links import DomainEntry, LinkEntry


class RegisterEntries(msgspec.Struct, frozen=True):
    """Rows for `codeqr_common.short_links.Register`: `(domain, folded key, entry)` and `(slug, entry)`."""

    links: tuple[tuple[str, str, LinkEntry], ...] = ()
    domains: tuple[tuple[str, DomainEntry], ...] = ()


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(RegisterEntries).decode


def merged(parts: Iterable[RegisterEntries]) -> RegisterEntries:
    """The entries of all parts, in their order."""
    parts = tuple(parts)
    return RegisterEntries(
        links=tuple(row for part in parts for row in part.links),
        domains=tuple(row for part in parts for row in part.domains),
    )
