"""A deadline for a whole exchange over httpx: connecting, TLS, each write and each read end by it.

httpx's own time-outs begin anew with each byte: a response's head may drip for days, and of interim responses (1xx)
there may be any number. Here every operation on the socket is given what is left of the exchange. Only a name is
waited for as long as the system's resolver waits.
"""

import math
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from core.clock import clock
from core.networks import AllowedAddresses

_SMALLEST_SECONDS = 0.001
# Who was stopped beyond the deadline still reads what has come meanwhile: it may be paid for.
_LATE_READS_SECONDS = 0.5
# Of TLS' records. A larger write could be taken in parts, each of which begins the time-out anew.
_WRITE_BYTES = 16 * 1024


class Deadline:
    """`ends_at`: of the monotonic clock."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._late_reads_end = math.inf

    @property
    def is_over(self) -> bool:
        return clock.monotonic() >= self._ends_at

    def seconds_left(self, at_most: float | None) -> float | None:
        """None or 0 and less: none are left."""
        if self._ends_at == math.inf:
            return at_most
        left = self._ends_at - clock.monotonic()
        return left if at_most is None else min(left, at_most)

    def seconds_to_read(self, at_most: float | None) -> float | None:
        """Past the deadline what is there is read, for a moment."""
        left = self.seconds_left(at_most)
        if left is None or left > 0:
            return left
        now = clock.monotonic()
        self._late_reads_end = min(self._late_reads_end, now + _LATE_READS_SECONDS)
        return _SMALLEST_SECONDS if now < self._late_reads_end else 0


_NONE = Deadline(math.inf)
_current: ContextVar[Deadline] = ContextVar("deadline", default=_NONE)


@contextmanager
def ending_at(deadline: Deadline) -> Iterator[None]:
    """What this thread does over a client of `open_transport` ends by then."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class AddressRefused(httpcore.ConnectError):
    """The host leads to no address that may be connected to."""


def open_transport(
    context: ssl.SSLContext, limits: httpx.Limits, allowed: AllowedAddresses | None = None
) -> httpx.BaseTransport:
    """Without proxies and retries. `allowed`: which addresses it connects to; None: to any."""
    return _Transport(context, limits, allowed)


class _Transport(httpx.HTTPTransport):
    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, allowed: AllowedAddresses | None) -> None:
        super().__init__(verify=context, trust_env=False)
        # httpcore takes a backend, httpx has no parameter for it.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(allowed),
        )


class _Backend(httpcore.SyncBackend):
    def __init__(self, allowed: AllowedAddresses | None) -> None:
        self._allowed = allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Each address in turn: `socket.create_connection` would give each the whole time."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses(host, port):
            seconds = _current.get().seconds_left(timeout)
            if seconds is not None and seconds <= 0:
                raise httpcore.ConnectTimeout
            try:
                return _Stream(super().connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        """Of the very resolution that is connected to: the next one may give others."""
        found = _resolve(host, port)
        if self._allowed is None:
            return found
        allowed = [address for address in found if self._allowed.holds(address)]
        if found and not allowed:
            raise AddressRefused
        return allowed


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise httpcore.ConnectError from exc
    return [str(address[0]) for *_, address in found]


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = _current.get().seconds_to_read(timeout)
        if seconds == 0:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            seconds = _current.get().seconds_left(timeout)
            if seconds is not None and seconds <= 0:
                raise httpcore.WriteTimeout
            self._stream.write(buffer[start : start + _WRITE_BYTES], seconds)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _current.get().seconds_left(timeout)
        if seconds is not None and seconds <= 0:
            self.close()
            raise httpcore.ConnectTimeout
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
