"""A call that changes something: who makes it, and what makes a repeat of it one."""

from dataclasses import dataclass

from starlette.requests import Request

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.http.middleware import request_id
from codeqr_common.idempotency import Repeatable, fingerprint

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class WriteCall:
    """`repeatable` is None for a call without an `Idempotency-Key`, and for all but POST."""

    identity: KeyIdentity
    request_id: str
    repeatable: Repeatable | None = None

    @property
    def project_id(self) -> str:
        return self.identity.project_id


async def write_call(request: Request, identity: KeyIdentity) -> WriteCall:
    """The call that `request` is. Raises 422 for an `Idempotency-Key` that is none."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is None:
        return WriteCall(identity, request_id(request))
    if not 0 < len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise errors.unprocessable_entity(f"Idempotency-Key: has 1 to {MAX_KEY} printable ASCII characters")
    same = fingerprint(await request.body(), request.scope["query_string"])
    repeatable = Repeatable(identity.project_id, request.method, request.url.path, key, same)
    return WriteCall(identity, request_id(request), repeatable)
