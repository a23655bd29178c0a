"""A TCP proxy that can go silent without closing anything, as when a network is cut."""

import socket
import threading
from contextlib import AbstractContextManager, suppress
from typing import Self

from dev.local.ports import LOOPBACK


class SilenceableProxy(AbstractContextManager["SilenceableProxy"]):
    """Forwards `port` to `target_port`. After `silence` connections of before are held open and carry nothing."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._age = 0
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        [thread.join(5) for thread in self._threads[1:]]
        [end.close() for end in self._ends]

    def silence(self) -> None:
        self._age += 1

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._ends.append(near)
                try:
                    far = socket.create_connection((LOOPBACK, self._target_port), timeout=5)
                except ConnectionRefusedError:  # as of a server that is being started again
                    near.shutdown(socket.SHUT_RDWR)
                    continue
                far.settimeout(None)
                self._ends.append(far)
                for source, sink in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pump, args=(source, sink, self._age)))
                    self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket, age: int) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if age == self._age:
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
