"""File formats: their media types, and which one a caller means who names none."""

from collections.abc import Mapping

from link_api.qr.drawing import Format

DEFAULT: Format = "png"
MEDIA_TYPES: Mapping[Format, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "eps": "application/postscript",
}
_BY_MEDIA_TYPE: Mapping[str, Format] = {media_type: name for name, media_type in MEDIA_TYPES.items()}


def by_accept(accept: str) -> Format:
    """The format of an `Accept` header, if that names one single type and we have it.

    Browsers name many, wildcards among them, so they get the default.
    """
    media_type = accept.partition(";")[0].strip().lower()
    return DEFAULT if "," in accept else _BY_MEDIA_TYPE.get(media_type, DEFAULT)
