"""The WebSocket client of all servers: raw sockets, one epoll, and no more of the protocol than a client needs."""

import os
import resource
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_READ_BYTES = 65_536
_TEXT, _CLOSE, _PING = 1, 8, 9
# As every event of every server begins, and where its stamp lies.
_EVENT, _STAMP = b'{"seq":', b'"at":'
_UNMASKED = b"\0\0\0\0"
_RESET = struct.pack("ii", 1, 0)
_CONNECTING, _HANDSHAKING, _OPEN, _CLOSED = range(4)
_CORES = sorted(os.sched_getaffinity(0))
# What a process needs beside its sockets.
_SPARE_DESCRIPTORS = 300


class ClientError(Exception):
    """A server did not do its part in time."""

    retryable = False


def raise_descriptors() -> int:
    """Let this process and its children open as many files as they may; how many sockets that leaves room for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - _SPARE_DESCRIPTORS


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """How to open one socket. `after` is the number of the last event that its reader knows; `sends_hello`: the server
    tells when the socket follows its stream."""

    port: int
    handshake: bytes
    after: int
    sends_hello: bool = True


class ClientSocket:
    """`live_at` is when it was told that it follows its stream, `close_payload` what the server's close frame held;
    `awaited_at` is when it had received as many events as `awaited`."""

    __slots__ = (
        "awaited",
        "awaited_at",
        "close_payload",
        "doubled",
        "events",
        "live_at",
        "lost",
        "opened_at",
        "pings",
        "request",
        "rest",
        "seq",
        "sock",
        "state",
    )

    def __init__(self, request: ConnectRequest, sock: socket.socket) -> None:
        self.request = request
        self.sock = sock
        self.state = _CONNECTING
        self.rest = b""
        self.seq = request.after
        self.events = self.lost = self.doubled = self.pings = 0
        self.opened_at = time.monotonic()
        self.live_at: float | None = None
        self.close_payload = b""
        self.awaited = 0
        self.awaited_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.state == _OPEN

    @property
    def is_closed(self) -> bool:
        return self.state == _CLOSED


class ClientLoop:
    """All sockets of a client process; nothing happens but in `poll` and what calls it."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, ClientSocket] = {}
        self._opening: set[ClientSocket] = set()
        self._latencies: list[float] | None = None
        self._is_counting = False
        self.events = 0
        self.ended_by_server = Counter[str]()  # by close code, or how else

    # Opening and closing

    def open(
        self, requests: Iterable[ConnectRequest], *, window: int = 64, within_seconds: float = 120
    ) -> list[ClientSocket]:
        """So many handshakes at once. Returns when all are live; raises ClientError."""
        waiting, opened = deque(requests), list[ClientSocket]()
        deadline = time.monotonic() + within_seconds
        while waiting or self._opening:
            while waiting and len(self._opening) < window:
                opened.append(self.connect(waiting.popleft()))
            self.poll(0.05)
            if time.monotonic() > deadline or any(one.is_closed for one in opened[-window:]):
                live = sum(one.live_at is not None for one in opened)
                raise ClientError(
                    f"{live} of {len(opened)} sockets opened; ended by the server: {dict(self.ended_by_server)}"
                )
        return opened

    def connect(self, request: ConnectRequest) -> ClientSocket:
        """Begin to connect; `poll` does the rest."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one = ClientSocket(request, sock)
        sock.connect_ex(("127.0.0.1", request.port))
        self._sockets[sock.fileno()] = one
        self._opening.add(one)
        self._epoll.register(sock.fileno(), select.EPOLLOUT)
        return one

    def reset(self, sockets: Sequence[ClientSocket]) -> None:
        """Cut by RST, without a close frame: no port stays in use behind it."""
        for one in sockets:
            if not one.is_closed:
                one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._drop(one)

    def close(self, sockets: Sequence[ClientSocket]) -> None:
        """Cut with an ordinary end of the connection."""
        for one in sockets:
            if not one.is_closed:
                self._drop(one)

    def half_close(self, sockets: Sequence[ClientSocket]) -> None:
        """Say that nothing more will come, and go on reading until the server lets go."""
        for one in sockets:
            with suppress(OSError):
                one.sock.shutdown(socket.SHUT_WR)

    # Running

    @contextmanager
    def timing(self) -> Iterator[list[float]]:
        """Meanwhile the list gets the latency of each event, by the time that it carries."""
        latencies: list[float] = []
        self._latencies = latencies
        try:
            yield latencies
        finally:
            self._latencies = None

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Meanwhile events are counted, and only the last number of each read is looked at: that is quicker."""
        self._is_counting = True
        try:
            yield
        finally:
            self._is_counting = False

    def run_until(self, is_done: Callable[[], bool], within_seconds: float) -> bool:
        """False when it did not come true in time."""
        deadline = time.monotonic() + within_seconds
        while not is_done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.poll(min(left, 0.05))
        return True

    def run_for(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds)

    def poll(self, timeout: float) -> None:
        for descriptor, _ in self._epoll.poll(max(timeout, 0)):
            one = self._sockets.get(descriptor)
            if one is None:
                continue
            if one.state == _CONNECTING:
                self._send_handshake(one)
            else:
                self._read(one)

    def _send_handshake(self, one: ClientSocket) -> None:
        try:
            one.sock.send(one.request.handshake)
        except OSError:
            self._end_by_server(one, "not connected")
            return
        one.state = _HANDSHAKING
        self._epoll.modify(one.sock.fileno(), select.EPOLLIN)

    def _read(self, one: ClientSocket) -> None:
        try:
            data = one.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end_by_server(one, "cut")
            return
        if one.rest:
            data = one.rest + data
            one.rest = b""
        if one.state == _HANDSHAKING:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                one.rest = head
                return
            self._read_handshake(one, head)
        if data and one.state == _OPEN:
            self._parse(one, data)
            if one.awaited and one.events >= one.awaited and one.awaited_at is None:
                one.awaited_at = time.monotonic()

    def _read_handshake(self, one: ClientSocket, head: bytes) -> None:
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._end_by_server(one, head[:12].decode("ascii", "replace"))
            return
        one.state = _OPEN
        if not one.request.sends_hello:
            self._mark_live(one)

    def _mark_live(self, one: ClientSocket) -> None:
        if one.live_at is None:
            one.live_at = time.monotonic()
            self._opening.discard(one)

    def _parse(self, one: ClientSocket, data: bytes) -> None:
        """Frames of a server are not masked, and none of these servers cuts its messages into fragments."""
        at, size, last, begun = 0, len(data), -1, one.events
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, start = data[at + 2] << 8 | data[at + 3], at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            end = start + length
            if end > size:
                break
            if data[at] & 15 != _TEXT:
                self._control(one, data[at] & 15, data[start:end])
            elif not data.startswith(_EVENT, start):
                self._mark_live(one)
            elif self._is_counting:
                one.events, last = one.events + 1, start
            else:
                self._note_event(one, data, start)
            at = end
        one.rest = data[at:]
        self.events += one.events - begun
        if last >= 0:
            self._check_seq(one, data, last, one.events - begun)

    def _note_event(self, one: ClientSocket, data: bytes, start: int) -> None:
        one.events += 1
        self._check_seq(one, data, start, 1)
        if self._latencies is not None:
            stamp = data.index(_STAMP, start) + len(_STAMP)
            self._latencies.append((time.monotonic_ns() - int(data[stamp : data.index(b",", stamp)])) / 1e9)

    def _check_seq(self, one: ClientSocket, data: bytes, start: int, count: int) -> None:
        seq = int(data[start + len(_EVENT) : data.index(b",", start)])
        if seq == one.seq + count:
            one.seq = seq
        elif seq < one.seq + count:
            one.doubled += one.seq + count - seq
        else:
            one.lost += seq - one.seq - count
            one.seq = seq

    def _control(self, one: ClientSocket, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            one.pings += 1
            with suppress(OSError):
                one.sock.send(bytes((0x8A, 0x80 | len(payload))) + _UNMASKED + payload)
        elif opcode == _CLOSE:
            one.close_payload = payload
            self._end_by_server(one, str(int.from_bytes(payload[:2])))

    def _end_by_server(self, one: ClientSocket, how: str) -> None:
        self.ended_by_server[how] += 1
        self._drop(one)

    def _drop(self, one: ClientSocket) -> None:
        if one.state == _CLOSED:
            return
        one.state = _CLOSED
        self._sockets.pop(one.sock.fileno(), None)
        self._opening.discard(one)
        one.sock.close()  # which takes it out of the epoll, too


def build_handshake(path: str, token: str = "") -> bytes:
    """The key may be a fixed one: nobody here checks the answer to it."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode()


def take_core(core: int, pid: int = 0) -> None:
    """Bind a process to one core; where there is no such core, all share what there is."""
    os.sched_setaffinity(pid, {_CORES[min(core, len(_CORES) - 1)]})
