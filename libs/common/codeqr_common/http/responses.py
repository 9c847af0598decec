"""Answers: JSON by msgspec, and errors in the envelope."""

from typing import Any

import msgspec
from starlette.responses import Response

from codeqr_common import errors
from codeqr_common.errors import ApiError

_encode = msgspec.json.Encoder().encode


class MsgspecResponse(Response):
    """JSON of anything msgspec can write: structs, mappings, sequences."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


def error_response(error: ApiError) -> MsgspecResponse:
    """`error` in the envelope."""
    return MsgspecResponse(
        errors.envelope(error.code, error.message), status_code=error.status, headers=dict(error.headers)
    )
