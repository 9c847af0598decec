"""Accept-Language, read with tolerance."""


def preferred(header: str) -> list[str]:
    """The languages of an Accept-Language header as lower-case primary tags, most wanted first. Never raises."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().split("-")[0].lower()
        if primary.isascii() and primary.isalpha() and len(primary) <= 3:
            wanted.append((_quality(parameter), primary))
    return [tag for quality, tag in sorted(wanted, key=lambda pair: -pair[0]) if quality > 0]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
