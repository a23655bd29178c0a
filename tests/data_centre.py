"""The data centre of `make hosts`, in a process of its own as a person starts it, and its commands."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dev.hosts.haproxy import NO_HAPROXY, find_haproxy
from dev.hosts.namespaces import find_obstacle
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.programs import ROOT

NO_NAMESPACES = "this machine has no network namespaces"
_STOP_SECONDS = 20
# A release that is retired lets its calls end.
_COMMAND_SECONDS = 200


class RunningHosts:
    """`site`, `sandbox` and `flower` are addresses of this machine."""

    def __init__(self, home: Path, settings: Mapping[str, str], *options: str) -> None:
        self.home, given = home, (pick_port(), pick_port(), pick_port())
        self.site, self.sandbox, self.flower = (f"http://{LOOPBACK}:{port}" for port in given)
        names = ("--port", "--sandbox-port", "--flower-port")
        ports = [word for name, port in zip(names, given, strict=True) for word in (name, str(port))]
        command = self.command("up", *ports, *options)
        self.process = Process("hosts", command, home / "up.log", env={**os.environ, **settings}, cwd=ROOT)

    def start(self, timeout_seconds: float) -> None:
        self.process.start()
        self.process.wait_until(lambda: "ready: " in self.said, timeout_seconds)

    @property
    def said(self) -> str:
        return self.process.log.read_text()

    def do(self, *words: str, refused: bool = False) -> str:
        """One command from a second shell: what it printed."""
        done = subprocess.run(
            self.command(*words), check=False, cwd=ROOT, capture_output=True, text=True, timeout=_COMMAND_SECONDS
        )
        assert (done.returncode != 0) == refused, done.stdout + done.stderr
        return done.stdout + done.stderr

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "dev.hosts", "--home", str(self.home), *words]

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """The same, while it runs."""
        return subprocess.Popen(
            self.command(*words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def reaches(self, host: str, address: str) -> bool:
        """Whether a packet from that host comes to the other and is answered: a port where nobody listens is one."""
        asked = f"import socket; s = socket.socket(); s.settimeout(1); print(s.connect_ex(({address!r}, 9)))"
        return self.do("exec", host, sys.executable, "-c", asked).strip() == "111"

    def count_processes(self) -> int:
        """Of everything whose command line or folder names this home."""
        found = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except (OSError, PermissionError):
                continue
            found += os.fsencode(self.home) in words
        return found


@cache
def require_namespaces() -> None:
    """A kernel or a container may forbid them, which no package changes: skipped there, and said at the run's end."""
    obstacle = find_obstacle()
    if obstacle is not None:
        pytest.skip(f"{NO_NAMESPACES}: {obstacle}")


def require_haproxy() -> None:
    """CI fails where there is none."""
    if find_haproxy() is not None:
        return
    if os.environ.get("CI"):
        pytest.fail(NO_HAPROXY)
    pytest.skip(NO_HAPROXY)


@contextmanager
def run_hosts(
    *options: str, settings: Mapping[str, str] | None = None, within_seconds: float = 60
) -> Iterator[RunningHosts]:
    """Stopped as Ctrl-C does it, with everything that it started."""
    with TemporaryDirectory(prefix="welno-test-") as folder:
        hosts = RunningHosts(Path(folder), settings or {}, *options)
        try:
            hosts.start(within_seconds)
            yield hosts
        finally:
            hosts.process.stop(_STOP_SECONDS, with_signal=signal.SIGINT)
