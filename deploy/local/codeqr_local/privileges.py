"""What a child does between fork and exec: dies with its parent, and runs under another user where it must.

Only async-signal-safe work happens in the child: the functions are looked up beforehand.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522
_EXIT_SETUP_FAILED = 126

_libc = ctypes.CDLL(None, use_errno=True)


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


@dataclass(frozen=True)
class User:
    """Whom a process runs as."""

    name: str
    uid: int
    gid: int


def unprivileged_user() -> User | None:
    """For servers that refuse to run as root: `postgres` if there is one, else `nobody`; None when not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, entry.pw_uid, entry.pw_gid)
    return None


def adopt_orphans() -> None:
    """Grandchildren whose parent dies become children of this process, so that it can end them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def child_setup(death_signal: signal.Signals, user: User | None) -> Callable[[], None]:
    """A preexec_fn: a session of its own (Ctrl-C is for the supervisor), the user, death together with the parent."""
    supervisor = os.getpid()
    capability = _reading_capability() if user else None

    def setup() -> None:
        os.setsid()
        if user:
            _become(user, capability)
        # After the change of user: that clears the signal.
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(_EXIT_SETUP_FAILED)

    return setup


def _become(user: User, capability: int | None) -> None:
    """Take the user's identity, keeping one capability: to pass through folders that are closed to it.

    The data folder or the virtual environment may lie under a folder such as /root that only root may enter.
    """
    _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([user.gid])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    if capability is None:
        return
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (_CapData * 2)(_CapData(bit, bit, bit), _CapData(0, 0, 0))
    if _libc.capset(ctypes.byref(header), data) == 0:
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _reading_capability() -> int | None:
    """Enough to read anywhere; containers often lack it but have the wider one."""
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapData * 2)()
    if _libc.capget(ctypes.byref(header), data) != 0:
        return None
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if data[0].permitted & (1 << capability):
            return capability
    return None
