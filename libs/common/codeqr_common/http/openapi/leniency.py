"""Bodies as pydantic reads them: flags and whole numbers may also come as texts, and that is said."""

from typing import Any

Schema = dict[str, Any]
FLAG = {"$ref": "#/components/schemas/Flag"}


def lenient(schema: Any) -> Any:
    """A body's schema with its booleans and whole numbers as they may really be sent."""
    if isinstance(schema, list):
        return [lenient(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    match schema.get("type"):
        case "boolean":
            return FLAG | {name: value for name, value in schema.items() if name != "type"}
        case "integer":
            return _number(schema)
    return {name: lenient(value) for name, value in schema.items()}


def _number(schema: Schema) -> Schema:
    bounds = {name: int(schema[name]) for name in ("minimum", "maximum") if name in schema}  # FastAPI makes them floats
    text = {"type": "string", "pattern": whole_number(bounds.get("minimum"), bounds.get("maximum"))}
    rest = {name: value for name, value in schema.items() if name not in (*bounds, "type")}
    return {**rest, "anyOf": [{"type": "integer", **bounds}, text]}


def whole_number(least: int | None, most: int | None) -> str:
    """The pattern of texts such as `12`, `012` and `12.0` for the numbers from `least` (0 or more) to `most`.

    Blanks and signs around them are read too, and are not worth a description.
    """
    low = max(least or 0, 0)
    digits = "[0-9]{1,18}" if most is None else "|".join(_between(low, most))
    return f"^0*({digits})(\\.0+)?$"


def _between(low: int, high: int) -> list[str]:
    """Patterns that together match the numbers from `low` to `high`."""
    found = []
    while low <= high:
        free = _free_digits(low, high)
        first = low // 10**free
        last = min(first // 10 * 10 + 9, (high + 1) // 10**free - 1)
        found.append(_pattern(str(first), str(last), free))
        low = (last + 1) * 10**free
    return found


def _free_digits(low: int, high: int) -> int:
    """How many of the last digits of `low` may be any, without passing `high`."""
    free = 0
    while low > 0 and low % 10 ** (free + 1) == 0 and low + 10 ** (free + 1) - 1 <= high:
        free += 1
    return free


def _pattern(first: str, last: str, free: int) -> str:
    """Numbers whose leading digits are those from `first` to `last`, which differ in the last one at most."""
    digit = first[-1] if first == last else f"[{first[-1]}-{last[-1]}]"
    return first[:-1] + digit + (f"[0-9]{{{free}}}" if free else "")
