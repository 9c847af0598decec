"""The query of `GET /qr`, as a drawing.

`url` is taken as it was published: not percent-encoded, as in `url=https://codeqr.link/site?qr=1`, or encoded. So

- it holds everything up to the next `&`, question marks and equals signs included. `&` ends it, as it ends every
  parameter (`…&size=300`): one that belongs to the content is written `%26`;
- where `://` stands unencoded in it, a `+` is a plus sign; else it is a blank, as forms and `URLSearchParams` write it.
"""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import unquote_plus, unquote_to_bytes

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from codeqr_common import errors
from codeqr_common.events.links import spelling
from link_api.qr.colours import Colour, parse_colour, to_hex
from link_api.qr.contrast import is_readable
from link_api.qr.drawing import Drawing, Format, Style
from link_api.qr.formats import by_accept
from link_api.qr.symbol import Level
from link_api.text import snake_and_camel

TRANSPARENT: Literal["transparent"] = "transparent"
HEX = "(#|%23)?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})"


def _hex(value: str) -> str:
    colour = parse_colour(value)
    if colour is None:
        raise ValueError("must be a colour like #1a2b3c or #abc")
    return to_hex(colour)


def _hex_or_transparent(value: str) -> str:
    return TRANSPARENT if value.lower() == TRANSPARENT else _hex(value)


def _jpeg_too(value: str) -> str:
    return "jpeg" if value.lower() == "jpg" else value.lower()


class PictureQuery(BaseModel):
    """What may stand in the query. Everything else is ignored."""

    model_config = snake_and_camel()

    url: Annotated[str, Field(min_length=1, max_length=2048)]
    size: Annotated[int, Field(ge=64, le=4096)] = 600
    level: Annotated[Level, BeforeValidator(str.upper)] = "L"
    fg_color: Annotated[str, AfterValidator(_hex), Field(json_schema_extra={"pattern": f"^{HEX}$"})] = "#000000"
    bg_color: Annotated[
        str, AfterValidator(_hex_or_transparent), Field(json_schema_extra={"pattern": f"^({HEX}|{TRANSPARENT})$"})
    ] = "#FFFFFF"
    margin: Annotated[int, Field(ge=0, le=100)] = 2
    format: Annotated[Format | None, BeforeValidator(_jpeg_too)] = None
    style: Annotated[Style, BeforeValidator(str.lower)] = "square"
    include_margin: bool = True
    hide_logo: bool = False


NAMES = frozenset(alias for name in PictureQuery.model_fields for alias in (name, spelling(name)))


def drawing_of(query: bytes, accept: str) -> Drawing:
    """The drawing that a raw query string asks for. Raises 400 without `url`, 422 for what is not valid."""
    given = list(_known(query))
    if not any(name == "url" for name, _ in given):
        raise errors.bad_request("url is missing: the content of the QR code.")
    found: dict[str, str] = {}
    for name, value in given:
        if name in found:
            raise errors.unprocessable_entity(f"{name}: is given more than once")
        found[name] = _text(name, value)
    try:
        asked = PictureQuery.model_validate(found)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    return _checked(_drawing(asked, accept))


def _known(query: bytes) -> Iterator[tuple[str, bytes]]:
    """The parameters that have a meaning here, with their values as they came."""
    for pair in query.split(b"&"):
        raw_name, _, value = pair.partition(b"=")
        name = unquote_plus(raw_name.decode("latin-1"))
        if name in NAMES:
            yield name, value


def _text(name: str, value: bytes) -> str:
    is_plain_url = name == "url" and b"://" in value
    try:
        return unquote_to_bytes(value if is_plain_url else value.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise errors.unprocessable_entity(f"{name}: is not UTF-8") from None


def _drawing(asked: PictureQuery, accept: str) -> Drawing:
    return Drawing(
        content=asked.url,
        size=asked.size,
        level=asked.level,
        foreground=_colour(asked.fg_color),
        background=None if asked.bg_color == TRANSPARENT else _colour(asked.bg_color),
        margin=asked.margin if asked.include_margin else 0,
        format=asked.format or by_accept(accept),
        style=asked.style,
    )


def _colour(text: str) -> Colour:
    colour = parse_colour(text)
    assert colour is not None  # noqa: S101 - validated
    return colour


def _checked(drawing: Drawing) -> Drawing:
    """Refuse pictures that no scanner would read, or that the format cannot hold."""
    if drawing.format == "jpeg" and drawing.background is None:
        raise errors.unprocessable_entity("bgColor: JPEG has no transparency; take another format or a colour")
    if not is_readable(drawing.foreground, drawing.background):
        behind = "bgColor" if drawing.background else "white, on which a transparent picture is taken to be"
        raise errors.unprocessable_entity(f"fgColor: must be clearly darker than {behind}, or scanners cannot read it")
    return drawing
