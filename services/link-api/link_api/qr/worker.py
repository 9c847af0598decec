"""`python -m link_api.qr.worker`: a process that draws. Drawings come on its standard input, files go to its output.

A message is its length (4 bytes, big-endian) and that many bytes: a drawing as JSON; a kind and the rest of an answer.
"""

import ctypes
import os
import signal
import struct
import sys
import traceback
from typing import BinaryIO

import msgspec

from link_api.qr.draw import Refused, draw
from link_api.qr.drawing import Drawing

LENGTH = struct.Struct("!I")
FILE, REFUSED, FAILED = b"F", b"R", b"X"
"""Kinds of answers: the file; the words of a `Refused`; a traceback."""
NICENESS = 10
"""Drawing takes a core for up to a third of a second, which must not be one that API calls wait for."""
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answer until the input ends, which it also does when the parent dies."""
    _settle_in()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while message := _read(requests):
        answer = _answer(message)
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _settle_in() -> None:
    """The parent decides when this process ends: not Ctrl-C in a terminal, and not later than itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    if sys.platform == "linux":
        # In the middle of a drawing nobody reads the input.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _read(requests: BinaryIO) -> bytes:
    """The next message; empty at the end."""
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    return requests.read(*LENGTH.unpack(head))


def _answer(message: bytes) -> bytes:
    try:
        return FILE + draw(msgspec.json.decode(message, type=Drawing))
    except Refused as refusal:
        return REFUSED + str(refusal).encode()
    except Exception:
        return FAILED + traceback.format_exc().encode(errors="replace")


if __name__ == "__main__":
    main()
