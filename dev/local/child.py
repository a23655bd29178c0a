"""Becomes a child that dies with its supervisor, under another user where asked, then execs the command.

A script of its own, with nothing but the standard library: code between fork and exec is not safe in a threaded parent.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


def _set_capabilities(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable; then the upper half
    if _libc().capset(header, data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")


def _permitted_capabilities() -> int:
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 pathlib doubles the start time
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    return int(fields["CapPrm"], 16)


def choose_capability(permitted: int) -> int | None:
    """The least capability that lets a user pass folders closed to it; containers often lack the smaller one."""
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return capability
    return None


def become(uid: int, gid: int, *, pass_closed_folders: bool) -> None:
    """Drop root for good. With `pass_closed_folders` (Linux) one file capability outlives the change and the exec."""
    capability = choose_capability(_permitted_capabilities()) if pass_closed_folders else None
    if capability is not None:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capability is not None:
        _set_capabilities(1 << capability)
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def die_with(parent: int, death_signal: int) -> None:
    """Has to follow `become`: the kernel forgets the signal when a process changes its user."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    parent, death_signal, user, *command = arguments
    if user:
        uid, gid, pass_closed_folders = (int(part) for part in user.split(":"))
        become(uid, gid, pass_closed_folders=bool(pass_closed_folders))
    die_with(int(parent), int(death_signal))
    # Not execvp: it imports modules, and this user may not reach the standard library any more.
    os.execv(command[0], command)  # noqa: S606 no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
