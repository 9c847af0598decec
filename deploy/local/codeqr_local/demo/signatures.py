"""Checks the two signatures of a callback, as a receiver of these webhooks would."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass

TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """Which of the two signatures over the exact body held."""

    codeqr: bool
    standard: bool

    @property
    def good(self) -> bool:
        return self.codeqr and self.standard


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> Verdict:
    """Checks both signatures; header names in lower case, `now` in epoch seconds (the present when not given)."""
    return Verdict(
        _codeqr(secret, headers, body), _standard(secret, headers, body, time.time() if now is None else now)
    )


def _codeqr(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), headers.get("codeqr-signature", "").encode())


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdecimal() or abs(now - int(stamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    return any(
        hmac.compare_digest(expected, candidate.encode()) for candidate in headers.get("webhook-signature", "").split()
    )
