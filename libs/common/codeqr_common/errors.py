"""The error envelope of the public API: one class, rendered by one handler (`codeqr_common.http.app`)."""

from collections.abc import Mapping

STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "unprocessable_entity": 422,
    "rate_limit_exceeded": 429,
    "internal_server_error": 500,
    "service_unavailable": 503,
}
CODE_OF_STATUS = {status: code for code, status in STATUS.items()}

_docs_base = "/docs/errors"


def set_docs_base(url: str) -> None:
    """Set the page that `doc_url` points at; each code is an anchor on it. Called once, at start."""
    global _docs_base
    _docs_base = url


def envelope(code: str, message: str) -> dict[str, dict[str, str]]:
    """The body of every answer that is not 2xx."""
    return {"error": {"code": code, "message": message, "doc_url": f"{_docs_base}#{code}"}}


class ApiError(Exception):
    """An answer that is not 2xx. `code` is one of `STATUS`; `message` is a sentence for a human."""

    def __init__(self, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return STATUS[self.code]


def bad_request(message: str) -> ApiError:
    return ApiError("bad_request", message)


def unauthorized(message: str) -> ApiError:
    return ApiError("unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


def forbidden(message: str) -> ApiError:
    return ApiError("forbidden", message)


def not_found(message: str) -> ApiError:
    return ApiError("not_found", message)


def conflict(message: str) -> ApiError:
    return ApiError("conflict", message)


def unprocessable_entity(message: str) -> ApiError:
    return ApiError("unprocessable_entity", message)


def service_unavailable(message: str, retry_after: int = 1) -> ApiError:
    """`retry_after` is in seconds."""
    return ApiError("service_unavailable", message, headers={"Retry-After": str(retry_after)})
