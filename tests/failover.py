"""Two real Valkeys behind one address: a demotion that leaves the clients' old connections open, as a failover does."""

import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import redis

from dev.local.ports import LOOPBACK
from dev.local.valkey import EmbeddedValkey


class FailoverPair:
    """`url` leads new connections to the server that is the primary; those of before stay where they are."""

    def __init__(self, home: Path) -> None:
        self._servers = [EmbeddedValkey(home / name, appendonly=False) for name in ("first", "second")]
        self._listener = socket.create_server((LOOPBACK, 0))
        self._primary = 0
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        for server in self._servers:
            self._opened.enter_context(server)
        password = urlsplit(self._servers[0].url).password or ""
        for server in self._servers:
            with redis.Redis.from_url(server.url) as admin:
                admin.config_set("masterauth", password)
                admin.config_set("requirepass", password)
        self._password = password
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.kill()  # asked to stop, a primary would wait for its replica
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(5)
        for end in self._ends:
            end.close()
        self._opened.close()

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{self._listener.getsockname()[1]}/0"

    @property
    def primary(self) -> redis.Redis:
        """A client of its own, past the address."""
        return self._admin(self._primary)

    def demote(self) -> None:
        """The primary becomes the other's replica: it answers, and refuses to write. The address stays."""
        with self.primary as admin:
            admin.replicaof(LOOPBACK, str(self._servers[1 - self._primary].port))

    def promote(self) -> None:
        """The address' server takes writes, again or for the first time."""
        with self.primary as admin:
            admin.replicaof("NO", "ONE")

    def fail_over(self) -> None:
        self.demote()
        self._primary = 1 - self._primary
        self.promote()

    def _admin(self, index: int) -> redis.Redis:
        return redis.Redis(host=LOOPBACK, port=self._servers[index].port, password=self._password)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._servers[self._primary].port), timeout=5)
                far.settimeout(None)
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=_pump, args=(source, sink)))
                    self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
