"""Vectors made with the `standardwebhooks` library and with `openssl dgst -sha256 -hmac`."""

import base64

from webhooks.delivery.signing import (
    codeqr_signature,
    new_secret,
    signature_headers,
    standard_signature,
)

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
EVENT = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
TIMESTAMP = 1614265330


def test_standard_signature_is_that_of_the_reference_library() -> None:
    assert standard_signature(SECRET, EVENT, TIMESTAMP, BODY) == "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="


def test_codeqr_signature_uses_the_whole_secret_as_a_string() -> None:
    assert codeqr_signature(SECRET, BODY) == "4685c9d16f64a759d47846eae0e4f6c75bedef25470e9a0e099c5a56f2f5571f"


def test_headers_carry_both_signatures_and_what_they_cover() -> None:
    assert signature_headers(SECRET, EVENT, TIMESTAMP, BODY) == {
        "CodeQR-Signature": "4685c9d16f64a759d47846eae0e4f6c75bedef25470e9a0e099c5a56f2f5571f",
        "webhook-id": EVENT,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=",
    }


def test_a_new_secret_holds_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32
