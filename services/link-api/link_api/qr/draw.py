"""From a drawing to a file. Runs in the drawing processes."""

from link_api.qr.drawing import Drawing
from link_api.qr.rasters import raster
from link_api.qr.symbol import encode
from link_api.qr.vectors import eps, pdf, svg

LEAST_PIXELS_PER_MODULE = 3


class Refused(Exception):
    """This cannot be drawn; the message is `<parameter>: <problem>`."""


def draw(drawing: Drawing) -> bytes:
    """The file. Raises `Refused` if the content does not fit, or its modules would be too small to be read."""
    symbol = encode(drawing.content, drawing.level)
    if symbol is None:
        raise Refused(f"url: too long for a QR code at level {drawing.level}")
    modules = symbol.size + 2 * drawing.margin
    least = LEAST_PIXELS_PER_MODULE * modules
    if drawing.size < least:
        raise Refused(
            f"size: at least {least} is needed, {LEAST_PIXELS_PER_MODULE} pixels for each of {modules} modules"
        )
    match drawing.format:
        case "svg":
            return svg(symbol, drawing)
        case "pdf":
            return pdf(symbol, drawing)
        case "eps":
            return eps(symbol, drawing)
        case _:
            return raster(symbol, drawing)
