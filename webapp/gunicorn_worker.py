"""gunicorn's gevent worker with bounds that gunicorn has no settings for: by address, for bodies and for answers."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import gevent
from gevent import sleep as yield_to_others
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker
from prometheus_client import Counter
from werkzeug.exceptions import BadRequest, RequestTimeout

from core.logs import get_logger
from webapp.addresses import network_of
from webapp.connections import AddressTally, Capacity, OpenConnections
from webapp.current import parts

log = get_logger(__name__)

CUT_OFF = Counter(
    "welno_http_cut_off_total",
    "Connections ended: too many of one `address`, no `files` left, a `body` that did not come, an `answer` not taken.",
    ["reason"],
)
# What a body may still send after an answer that did not wait for it: closing at once would reset the connection, and
# whoever is in the middle of sending would see that instead of the answer. More than the longest JSON (5 MiB).
_DISCARDED_MAX_BYTES = 8 * 1024 * 1024
# Linux would let it grow to 4 MiB for each caller that takes nothing. At 100 ms to and fro it still means 4 MB/s.
_SEND_BUFFER_BYTES = 256 * 1024
_DROPPED_AT_ONCE_BYTES = 64 * 1024
# A body whose bytes are always there is read without a switch: after so many of them others have their turn. They are
# 4 ms of work in chunks of one byte.
_READ_IN_ONE_GO_BYTES = 8 * 1024
# Sizes and extensions of chunks, and trailers: so much, and so much for each byte of data. A chunk of one byte has 5.
_FRAMING_MAX_BYTES, _FRAMING_MAX_PER_BYTE = 16 * 1024, 16
_RESET = struct.pack("ii", 1, 0)


class BoundedWorker(GeventWorker):  # type: ignore[misc] # the library has no types
    """A head and an idle connection have gunicorn's `keepalive` as their deadline, and its pool bounds how many there
    are: while it is full nothing is accepted, and who waits is let in when somebody has gone."""

    def bind(self, capacity: Capacity) -> None:
        """Call it once, when the app is loaded and before the worker runs."""
        here = parts(self.wsgi)
        web, registry = here.stores.settings.web, here.relay.registry
        self._body_within_seconds = web.body_within_seconds
        self._upload_within_seconds = web.upload_within_seconds
        self._answer_within_seconds = web.answer_within_seconds
        self._idle: set[Any] = set()
        self._connections = OpenConnections(capacity.files, lambda: registry.total)
        registry.limit_total_by(self._connections.sockets_that_fit)
        for listener in self.sockets:  # what it accepts inherits it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # All that come through a proxy come from its address: it is the one to count its clients.
        self._tally = None if web.trusted_proxies else AddressTally(capacity.per_address)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """One connection, which the server closes afterwards; at once where it is one too many."""
        if not self._connections.take():
            CUT_OFF.labels("files").inc()
            return
        self._idle.add(client)
        try:
            self._handle_within_share(listener, client, addr)
        finally:
            self._idle.discard(client)
            self._connections.give_back()

    def notify(self) -> None:
        """Called every second. One that is told to stop waits for its connections: those that ask nothing just now are
        ended, as gunicorn would wait for their time-out and be killed over it."""
        super().notify()
        if not self.alive:
            for client in tuple(self._idle):
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RD)

    def _handle_within_share(self, listener: Any, client: Any, addr: Any) -> None:
        if self._tally is None or not isinstance(addr, tuple):
            super().handle(listener, client, addr)
            return
        network = network_of(addr[0])
        if not self._tally.take(network):
            CUT_OFF.labels("address").inc()
            return
        try:
            super().handle(listener, client, addr)
        finally:
            self._tally.give_back(network)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """One request, whose head has come."""
        # Who sends many requests in one go is answered one of them at a time, like everybody else.
        yield_to_others()
        self._idle.discard(sock)
        req.headers = join_cookies(req.headers)
        req.body = body = TimedBody(req, self._body_within_seconds, self._upload_within_seconds)
        # Asked when the head of the answer is written, and once more behind it.
        asks_to_close = req.should_close
        req.should_close = lambda: asks_to_close() or body.ends_connection
        # Of one write: answers.py cuts long answers into pieces, and server_connection.py gives streams their own.
        sock.settimeout(self._answer_within_seconds)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as exc:
            CUT_OFF.labels("answer").inc()
            # What was not taken must not wait in the kernel either.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            raise StopIteration from exc
        except StopIteration:
            if body.has_rest:  # else others may go on with the connection: live streams
                self._let_answer_arrive(sock, body)
            raise
        finally:
            del req.should_close  # which would hold the request in a cycle
            body.end_request()
            sock.settimeout(None)
            self._idle.add(sock)

    def _let_answer_arrive(self, sock: Any, body: "TimedBody") -> None:
        """Of a connection that ends with this answer: the caller reads its end, and what still comes is dropped."""
        body.end_request()
        self._idle.add(sock)
        with suppress(OSError, BadRequest):
            sock.shutdown(socket.SHUT_WR)
            while body.read(_DROPPED_AT_ONCE_BYTES):
                pass


def let_loop_poll() -> None:
    """All others have their turn: those whose time has come or whose bytes have, too. For them `gevent.sleep(0)` looks
    only once in 50 times."""
    hub = gevent.get_hub()
    polled = hub.loop.async_()
    sent = hub.loop.run_callback(polled.send)
    try:
        hub.wait(polled)
    finally:
        sent.stop()
        polled.close()


class PacedUnreader:
    """What gunicorn's reader of one body takes from the connection: `taken` is in bytes, with the framing of chunks."""

    def __init__(self, unreader: Any, before_read: Callable[[], float]) -> None:
        """`before_read` tells how many seconds there are to wait for bytes, and raises where no more are to be read."""
        self._unreader = unreader
        self._before_read = before_read
        self._taken_by_turn = 0
        self.taken = 0

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes:
        """Raises RequestTimeout, and whatever `before_read` raises."""
        if self.taken - self._taken_by_turn >= _READ_IN_ONE_GO_BYTES:
            # Outside of the time-out, which would end what has come in time to somebody who was slow to read it.
            let_loop_poll()
            self._taken_by_turn = self.taken
        with gevent.Timeout(self._before_read(), RequestTimeout()):
            data: bytes = self._unreader.read(size, read_ahead)
        self.taken += len(data)
        return data

    def unread(self, data: bytes) -> None:
        self._unreader.unread(data)
        self.taken -= len(data)


class CountedChunks(ChunkedReader):  # type: ignore[misc] # the library has no types
    """`data_bytes` is what was in the chunks so far."""

    data_bytes = 0

    def parse_chunked(self, unreader: Any) -> Iterator[bytes]:
        for data in super().parse_chunked(unreader):
            self.data_bytes += len(data)
            yield data


class TimedBody:
    """The body of a request whose head has come: it has to come within its time, from now on, and while it does others
    have their turn."""

    def __init__(self, req: Any, within_seconds: float, upload_within_seconds: float) -> None:
        """Of gunicorn's request, of whose body nothing was read yet."""
        self._wire = PacedUnreader(req.unreader, self._before_read)
        self._length = announced_length(req.headers)
        self._chunks = CountedChunks(req, self._wire) if self._length is None else None
        self._body = Body(self._chunks or LengthReader(self._wire, self._length))
        self._taken = 0
        self._has_ended = False
        self._began_at = time.monotonic()
        self._ends_at = self._began_at + within_seconds
        self._upload_within_seconds = upload_within_seconds
        self._discarded_max = _DISCARDED_MAX_BYTES
        self._taken_when_answered: int | None = None
        self._is_late = False

    @property
    def failed(self) -> bool:
        """Where the next request begins is then unknown: gunicorn closes the connection after its answer."""
        return self._is_late or self._body.failed

    @property
    def has_rest(self) -> bool:
        """Whether more may come. Of a body in chunks nobody knows before its end was read."""
        return not self._has_ended if self._length is None else self._taken < self._length

    @property
    def ends_connection(self) -> bool:
        """Whether the answer is the last one of its connection, and has to say so: more is to come than is dropped. Of
        a body in chunks nobody knows that before."""
        return self.failed or (self._length is not None and self._length - self._taken > self._discarded_max)

    def allow_upload(self) -> None:
        """A file of 50 MiB takes its time; its view has seen that somebody may send one."""
        self._ends_at = self._began_at + self._upload_within_seconds

    def let_rest_come(self, max_bytes: int) -> None:
        """So much of it is dropped after the answer, within its time; its sender has been let in."""
        self._discarded_max = max(max_bytes, self._discarded_max)

    def end_request(self) -> None:
        """Who reads from now on is gunicorn, which discards the rest; it takes a TimeoutError as a reason to close."""
        if self._taken_when_answered is None:
            self._taken_when_answered = self._wire.taken

    def read(self, size: int | None = None) -> bytes:
        """Raises RequestTimeout or BadRequest, which are answered, or TimeoutError where it is too late for that. What
        is discarded may be more than `size`."""
        is_answered = self._taken_when_answered is not None
        if is_answered:
            # gunicorn asks for 1 KiB each time, and copies all that it has received for each of them.
            size = _DROPPED_AT_ONCE_BYTES
        try:
            data: bytes = self._body.read(size)
        except RequestTimeout:
            self._is_late = True
            if is_answered:
                raise TimeoutError from None
            CUT_OFF.labels("body").inc()
            raise
        except ParseException as exc:  # of a chunk
            if is_answered:
                raise TimeoutError from exc
            raise BadRequest from exc
        self._taken += len(data)
        self._has_ended = self._has_ended or (not data and size != 0)
        return data

    def _before_read(self) -> float:
        """The seconds to wait for what comes next. Raises RequestTimeout, ParseException, TimeoutError."""
        taken, left = self._wire.taken, self._ends_at - time.monotonic()
        if self._taken_when_answered is not None and taken - self._taken_when_answered > self._discarded_max:
            raise TimeoutError
        if self._chunks is not None:
            # Nothing waits for bytes that are always there. What came while the view did other things is no fault of
            # its sender: of a short body it is all.
            if taken and left <= 0:
                raise RequestTimeout
            data_bytes = self._chunks.data_bytes
            if taken - data_bytes > _FRAMING_MAX_BYTES + _FRAMING_MAX_PER_BYTE * data_bytes:
                raise ParseException("too much framing for the data of the chunks")
        return max(left, 0)


def announced_length(headers: list[tuple[str, str]]) -> int | None:
    """None of a body in chunks; gunicorn has refused what is no number."""
    told = dict(headers)
    if "TRANSFER-ENCODING" in told:
        return None
    return int(told.get("CONTENT-LENGTH", 0))


def join_cookies(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """With one `Cookie` line: HTTP/2 has them in crumbs, which '; ' joins again (RFC 9113, 8.2.3); gunicorn would join
    them by a comma, as it does all that is repeated."""
    crumbs = [value for name, value in headers if name == "COOKIE"]
    if len(crumbs) < 2:
        return headers
    return [header for header in headers if header[0] != "COOKIE"] + [("COOKIE", "; ".join(crumbs))]
