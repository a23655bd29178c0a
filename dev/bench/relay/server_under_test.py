"""A server under test: one process on a core of its own, whose streams are known by their number."""

import itertools
import signal
import socket
from collections.abc import Mapping, Sequence

import psutil

from dev.bench.relay.testbed import Testbed
from dev.bench.relay.websocket_client import ConnectRequest, take_core
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.programs import ROOT

SERVER_CORE, CLIENT_CORE = 0, 1
_START_SECONDS = 30


class ServerUnderTest:
    """All have the same verbs: start, stop, create streams, connect to one, append to one."""

    name = ""
    sends_hello = True
    resumes = True

    def __init__(self, testbed: Testbed) -> None:
        self.testbed = testbed
        self.port = 0
        self._process: Process | None = None
        self._starts = itertools.count(1)

    @property
    def pid(self) -> int:
        return self._process.pid or 0 if self._process else 0

    @property
    def serving_pid(self) -> int:
        """The process that holds the sockets: the only child of a master, or the process itself."""
        children = psutil.Process(self.pid).children()
        return children[-1].pid if children else self.pid

    def start(self) -> None:
        self.port = pick_port()
        log = self.testbed.folder / "logs" / f"{self.name}-{next(self._starts)}.log"
        self._process = Process(self.name, self.command(), log, env=self.env(), cwd=ROOT)
        self._process.start()
        take_core(SERVER_CORE, self.pid)  # at once: its threads and children inherit it
        self._process.wait_until(lambda: listens(self.port), _START_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(5)

    def terminate(self) -> None:
        """As a deployment does; it drains in its own time."""
        if self._process is not None:
            self._process.send(signal.SIGTERM)

    def install(self) -> None:
        """Raises PeerMissing."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def env(self) -> Mapping[str, str]:
        return dict(self.testbed.env)

    def create_streams(self, count: int) -> None:
        """As many as are missing."""
        raise NotImplementedError

    def last_seq(self, stream: int) -> int:
        """Of what was appended through this server."""
        raise NotImplementedError

    def append(self, stream: int, count: int = 1) -> int:
        """Number, keep and publish; the number of the last one."""
        raise NotImplementedError

    def connect_request(self, stream: int, after: int | None = None) -> ConnectRequest:
        """To follow it from `after` on; without it from the end."""
        raise NotImplementedError


def listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True
