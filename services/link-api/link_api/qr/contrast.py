"""Which colours scanners can tell apart."""

from link_api.qr.colours import WHITE, Colour, luma

LEAST_CONTRAST = 0.2
"""Of the whole range from black to white, by which the code must be darker than what is behind it.

ISO/IEC 15415 fails a symbol under 20 %. Tried with plain pictures: zxing and OpenCV read from about 10 % on, zbar from
4 % on; a camera needs more. A code that is lighter than what is behind it was read by zxing only, and not by OpenCV's
two decoders nor by zbar, whatever the contrast.
"""


def is_readable(foreground: Colour, background: Colour | None) -> bool:
    """Whether scanners see the code. What is transparent is taken to be on white."""
    return luma(background or WHITE) - luma(foreground) >= LEAST_CONTRAST * 255
