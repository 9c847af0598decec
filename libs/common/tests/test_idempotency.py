"""What makes a repeat of a call one."""

import pytest

from codeqr_common.idempotency import Repeatable, fingerprint

CALL = Repeatable("proj_1", "POST", "/links", "key", b"")
PAIRS = [(b"a", b""), (b"", b"a"), (b"a", b"b"), (b"b", b"a"), (b"ab", b""), (b"", b"ab"), (b"1\na", b""), (b"", b"")]


def test_body_and_query_are_not_mixed_up() -> None:
    assert len({fingerprint(body, query) for body, query in PAIRS}) == len(PAIRS)
    assert fingerprint(b"a", b"b") == fingerprint(b"a", b"b")


@pytest.mark.parametrize(
    "other",
    [
        Repeatable("proj_2", "POST", "/links", "key", b""),
        Repeatable("proj_1", "PUT", "/links", "key", b""),
        Repeatable("proj_1", "POST", "/tags", "key", b""),
        Repeatable("proj_1", "POST", "/links", "other", b""),
        Repeatable("proj_1", "POST", "/linkskey", "", b""),
    ],
)
def test_other_calls_have_other_locks(other: Repeatable) -> None:
    assert other.lock != CALL.lock


def test_a_lock_is_the_same_in_every_process_and_fits_postgres() -> None:
    assert CALL.lock == Repeatable("proj_1", "POST", "/links", "key", b"another body").lock
    assert -(2**63) <= CALL.lock < 2**63
