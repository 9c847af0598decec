"""Link passwords: kept only as a salted scrypt hash, made in a thread of its own so that others are not held up."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

COST = {"n": 1 << 14, "r": 8, "p": 1}
"""About 16 MB and 40 ms a hash."""
SALT_BYTES = 16
_threads = ThreadPoolExecutor(1, thread_name_prefix="passwords")


async def hashes_of(passwords: Iterable[str]) -> dict[str, str]:
    """A hash for each different password: `scrypt$<salt>$<hash>`, both in hex."""
    loop = asyncio.get_running_loop()
    return {text: await loop.run_in_executor(_threads, _hash, text) for text in dict.fromkeys(passwords)}


def matches(password: str, stored: str) -> bool:
    """Whether this is the password that was hashed. Takes as long as hashing does."""
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_derived(password, bytes.fromhex(salt)).hex(), expected)


def _hash(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    return f"scrypt${salt.hex()}${_derived(password, salt).hex()}"


def _derived(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **COST, maxmem=64 << 20)
