"""Linux' network namespaces by its system calls: no root where user namespaces are allowed, and nothing in /run/netns.

A namespace lives as long as a descriptor of it or a process in it, so all of them end with their supervisor. Run as a
module it tries everything that is needed, and ends with status 1 and the reason where this machine does not allow it.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.hosts.errors import HostsError
from dev.local.programs import ROOT

_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000
_PR_CAP_AMBIENT, _AMBIENT_RAISE, _AMBIENT_CLEAR_ALL = 47, 2, 4
_CAPABILITY_VERSION_3 = 0x2008_0522
_CAP_NET_ADMIN = 12
_THIS_THREAD = "/proc/thread-self/ns/net"
_PROBE_SECONDS = 20
_ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"
_LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own. `entered` moves the calling thread alone, with what it opens and starts meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def path(self) -> str:
        """For a program that was given it."""
        return f"/proc/self/fd/{self.descriptor}"

    def close(self) -> None:
        os.close(self.descriptor)

    def enter(self) -> None:
        """The calling thread, for good. Raises OSError."""
        _call(_LIBC.setns(self.descriptor, _CLONE_NEWNET), "setns")

    @contextmanager
    def entered(self) -> Iterator[None]:
        before = open_current()
        try:
            self.enter()
            yield
        finally:
            before.enter()
            before.close()

    def run(self, program: str, *lines: str, given: Sequence["Namespace"] = ()) -> None:
        """Lines for `ip -batch` or `tc -batch`, which may name those given (`path`). Raises HostsError."""
        with self.entered(), _inherited_rights():
            try:
                done = subprocess.run(
                    [find_program(program) or program, "-batch", "-"],
                    input="\n".join(lines).encode(),
                    capture_output=True,
                    check=False,
                    pass_fds=[namespace.descriptor for namespace in given],
                    timeout=_PROBE_SECONDS,
                )
            except subprocess.TimeoutExpired as exc:
                raise HostsError(f"{program} did not end within {_PROBE_SECONDS} s") from exc
        if done.returncode != 0:
            raise HostsError(f"{program}: {done.stderr.decode(errors='replace').strip()}")


def find_program(name: str) -> str | None:
    """Its path, also where Debian keeps it from the PATH of people who are not root."""
    return shutil.which(name) or shutil.which(name, path=_ADMINISTRATORS)


def open_current() -> Namespace:
    """That of the calling thread."""
    return Namespace(os.open(_THIS_THREAD, os.O_RDONLY | os.O_CLOEXEC))


def make_namespace() -> Namespace:
    """With nothing but a loopback device that is down; the calling thread stays where it is."""
    before = open_current()
    try:
        _call(_LIBC.unshare(_CLONE_NEWNET), "unshare")
        made = open_current()
    finally:
        before.enter()
        before.close()
    return made


def leave_network() -> None:
    """From now on this process is in a network of its own, for good. It must have no second thread yet.

    Whoever is not root becomes the master of a user namespace, under the same number, as PostgreSQL refuses root.
    Raises OSError.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        _call(_LIBC.unshare(_CLONE_NEWNET), "unshare")
        return
    _call(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def find_obstacle() -> str | None:
    """Why this machine does not let us make namespaces, in one sentence; None where it does."""
    if sys.platform != "linux":
        return "network namespaces are Linux' own"
    if find_program("ip") is None or find_program("tc") is None:
        return "there are no programs ip and tc: install Debian's package iproute2"
    done = subprocess.run(
        [sys.executable, "-m", "dev.hosts.namespaces"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PROBE_SECONDS,
    )
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ended without a reason"])[-1]


@contextmanager
def _inherited_rights() -> Iterator[None]:
    """A program that somebody other than root executes has the rights over the network only if these are ambient."""
    if os.geteuid() == 0:
        yield
        return
    _set_inheritable(1 << _CAP_NET_ADMIN)
    _prctl(_AMBIENT_RAISE, _CAP_NET_ADMIN)
    try:
        yield
    finally:
        _prctl(_AMBIENT_CLEAR_ALL, 0)


def _set_inheritable(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    _call(_LIBC.capget(header, data), "capget")
    data[2] |= mask
    _call(_LIBC.capset(header, data), "capset")


def _prctl(what: int, capability: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (what, capability, 0, 0)]
    _call(_LIBC.prctl(_PR_CAP_AMBIENT, *arguments), "prctl")


def _call(result: int, name: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _try_everything() -> None:
    leave_network()
    host = make_namespace()
    hub = open_current()
    hub.run("ip", "link add name br0 type bridge", "link add name probe type veth peer name eth0")
    hub.run("ip", f"link set eth0 netns {host.path}", "link set probe master br0", given=[host])
    host.run("ip", "address add 10.77.0.2/24 dev eth0")


if __name__ == "__main__":
    try:
        _try_everything()
    except (OSError, HostsError) as exc:
        sys.exit(f"this machine allows no network namespaces ({exc})")
