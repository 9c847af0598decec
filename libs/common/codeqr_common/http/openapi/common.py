"""What every part of the reference has in common: errors, headers, the key, the guide."""

from importlib import resources
from typing import Any

from codeqr_common import errors

Schema = dict[str, Any]

OPENAPI = "3.1.0"
TITLE = "CodeQR API"
VERSION = "1.0.0"
SECURITY = "apiKey"
REQUEST_ID_EXAMPLE = "0199204a-1f3c-7cf2-9d6e-3a5e1f0b7c11"

MEANINGS = {
    "bad_request": ("The request cannot be read.", "The body is not JSON."),
    "unauthorized": ("No key, or one that is not valid.", "This API key is unknown or has been revoked."),
    "forbidden": ("The key is not good for this.", "This API key lacks the scope links.write."),
    "not_found": ("There is no such thing in this project.", "There is no such link in this project."),
    "method_not_allowed": ("The path exists, the method does not.", "POST is not offered at /links/info."),
    "conflict": ("Something that must be unique is taken.", "The key sale is already used on codeqr.link."),
    "unprocessable_entity": ("A value is not valid.", "geo.BR: not an http(s) URL"),
    "rate_limit_exceeded": ("The key is over its limit.", "More than 3000 requests in a minute. Try again in 7 s."),
    "internal_server_error": ("Our fault.", f"Something went wrong on our side. Request id: {REQUEST_ID_EXAMPLE}"),
    "service_unavailable": ("A part that is needed is down.", "The database cannot be reached at the moment."),
}
"""Code → what it means, and a message as an example."""

ERROR: Schema = {
    "type": "object",
    "description": "The body of every answer that is not 2xx.",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "description": "What is wrong.",
            "required": ["code", "message", "doc_url"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "enum": list(errors.STATUS), "description": "What programs decide by."},
                "message": {"type": "string", "minLength": 1, "description": "A sentence for people; it may change."},
                "doc_url": {"type": "string", "format": "uri", "description": "Where the code is explained."},
            },
        }
    },
}

FLAG_WORDS = ("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n")
"""What pydantic reads as a boolean."""


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


FLAG: Schema = {
    "description": "A boolean. Besides `true` and `false`, `1`, `0` and the words in any case are taken.",
    "anyOf": [
        {"type": "boolean"},
        {"type": "integer", "enum": [0, 1]},
        {
            "type": "string",
            "pattern": f"^([01]|{'|'.join(_in_any_case(word) for word in FLAG_WORDS)})$",
        },
    ],
}

LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "The caller's, if it sent a sane one (1 to 128 letters, digits, `.`, `_`, `-`), else a new one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "example": REQUEST_ID_EXAMPLE,
    },
    "X-RateLimit-Limit": {
        "description": "Requests that the key may make in any 60 seconds. Absent when it is not limited.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 3000,
    },
    "X-RateLimit-Remaining": {
        "description": "How many of them are left.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 2999,
    },
    "X-RateLimit-Reset": {
        "description": "When the oldest of them no longer counts, in epoch seconds.",
        "schema": {"type": "integer"},
        "example": 1757161327,
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 7,
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"const": "Bearer"}},
    "Idempotent-Replayed": {
        "description": "`true` on the answer to a repeat: it is the first call's, given again.",
        "schema": {"const": "true"},
    },
}
HEADERS_OF_ERRORS = {
    "unauthorized": ("WWW-Authenticate",),
    "rate_limit_exceeded": ("Retry-After",),
    "service_unavailable": ("Retry-After",),
}

PROJECT_SLUG = "ProjectSlug"
IDEMPOTENCY_KEY = "IdempotencyKey"
PARAMETERS: dict[str, Schema] = {
    PROJECT_SLUG: {
        "name": "projectSlug",
        "in": "query",
        "required": False,
        "description": "The project's slug. The key already names the project: a slug is checked, not needed.",
        "schema": {"type": "string"},
    },
    IDEMPOTENCY_KEY: {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes the call safe to repeat for 24 hours: a repeat gets the first answer again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    },
}


def components() -> dict[str, dict[str, Schema]]:
    """Those of every part of the document."""
    return {
        "securitySchemes": {
            SECURITY: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "codeqr_…",
                "description": "A secret API key. Its scopes say what it may do; each operation names the one needed.",
            }
        },
        "schemas": {"Error": ERROR, "Flag": FLAG},
        "headers": HEADERS,
        "parameters": PARAMETERS,
        "responses": {component_of(code): _error_response(code) for code in errors.STATUS},
    }


def component_of(code: str) -> str:
    """`not_found` → `NotFound`."""
    return code.title().replace("_", "")


def header_refs(*names: str) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def guide() -> str:
    """The text that the document begins with, in Markdown."""
    return (resources.files(__package__) / "guide.md").read_text("utf-8").strip()


def _error_response(code: str) -> Schema:
    meaning, message = MEANINGS[code]
    envelope = {"code": code, "message": message, "doc_url": f"https://api.codeqr.io/docs/errors#{code}"}
    narrowed = {"properties": {"error": {"properties": {"code": {"const": code}}}}}
    return {
        "description": f"`{code}`: {meaning}",
        "headers": header_refs("X-Request-Id", *HEADERS_OF_ERRORS.get(code, ())),
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Error"}, narrowed]},
                "example": {"error": envelope},
            }
        },
    }
