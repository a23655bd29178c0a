"""Callers that mean no good, over bare sockets, and a bystander who has to be answered meanwhile."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

from dev.local.ports import LOOPBACK

from .server import Server

# Linux answers on all of 127/8: each is another address to the server.
BYSTANDER = "127.0.0.2"
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
_POST = b"POST /api/v1/tilko/session/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HEAD_OF_A_BODY = _POST + b"Content-Length: 1000\r\n\r\n"
HEAD_OF_CHUNKS = _POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Crowd:
    """Connections that were opened together and stay open until they are closed here or there."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._opened = ExitStack()
        self.members: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open(self, count: int, said: bytes = b"", *, address: str = LOOPBACK, receive_buffer: int = 0) -> None:
        """Each says the same and waits. Who is refused meanwhile is a member all the same."""
        for _ in range(count):
            member = self._opened.enter_context(socket.socket())
            member.settimeout(10)
            if receive_buffer:
                member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            member.bind((address, 0))
            member.connect((LOOPBACK, self._server.port))
            self.members.append(member)
            self._say(member, said)

    def say(self, said: bytes) -> None:
        for member in self.members:
            self._say(member, said)

    def count_open(self) -> int:
        """Those whose server has not closed them; whatever it answered is read and dropped."""
        return sum(_is_open(member) for member in self.members)

    def count_that_take(self, said: bytes) -> int:
        """Those whose server has not closed them, and not just said that it answers nothing more."""
        return sum(self._say(member, said) for member in self.members)

    def read_all(self) -> list[bytes]:
        """What each was told until its connection was closed."""
        return [_read_to_end(member) for member in self.members]

    def _say(self, member: socket.socket, said: bytes) -> bool:
        with suppress(OSError):  # closed in its face: that is what many of them are there for
            member.sendall(said)
            return True
        return False


def _is_open(member: socket.socket) -> bool:
    member.setblocking(False)
    try:
        while member.recv(65_536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        member.settimeout(10)
    return False


def _read_to_end(member: socket.socket) -> bytes:
    told = b""
    with suppress(ConnectionError):
        while part := member.recv(65_536):
            told += part
    return told


class Bystander:
    """Asks again and again, each time on a connection of its own, and notes how long it took."""

    def __init__(self, server: Server, path: str) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._server, self._path = server, path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(15)

    def _run(self) -> None:
        while not self._stopped.wait(0.05):
            began = time.monotonic()
            try:
                status = ask(self._server, self._path)
            except OSError as exc:
                self.failures.append(type(exc).__name__)
            else:
                self.seconds.append(time.monotonic() - began)
                if status != 200:
                    self.failures.append(str(status))


def ask(server: Server, path: str, *, address: str = BYSTANDER, timeout: float = 10) -> int:
    """The status that a caller from there is answered."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=timeout, source_address=(address, 0))
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@contextmanager
def bystander(server: Server, *, within_seconds: float = 2.5) -> Iterator[Bystander]:
    """One who is answered within that time all the time: on an idle machine in milliseconds, beside other tests in a
    second, behind a web process that an attack holds up not before that ends."""
    one = Bystander(server, "/healthz")
    one.start()
    try:
        yield one
    finally:
        one.stop()
    assert not one.failures
    assert one.seconds
    assert max(one.seconds) < within_seconds, sorted(one.seconds)[-5:]
