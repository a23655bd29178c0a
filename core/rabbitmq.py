"""Connections to RabbitMQ that are dropped when its node does not answer in time."""

from typing import Any

from amqp.exceptions import RecoverableConnectionError  # type: ignore[import-untyped] # as kombu, it has no types
from kombu.transport import pyamqp


class AnsweredConnection(pyamqp.Connection):
    """py-amqp waits for an answer for ever: its own `read_timeout` is a socket option, which gevent does not know, and
    which leaves the connection in use. A node that hangs would hold each request that starts a task, and a sweep."""

    def connect(self, callback: Any = None) -> Any:
        result = super().connect(callback)
        self.transport.sock.settimeout(self.read_timeout)
        return result

    def blocking_read(self, timeout: float | None = None) -> Any:
        """With a time of their own callers wait for what need not come."""
        try:
            return super().blocking_read(timeout)
        except TimeoutError as exc:
            if timeout is not None:
                raise
            self.collect()  # a late answer would be taken for that to another question
            raise RecoverableConnectionError("no answer in time") from exc


class AnsweredTransport(pyamqp.Transport):
    """For `amqp://`."""

    Connection = AnsweredConnection


class AnsweredSSLTransport(pyamqp.SSLTransport):
    """For `amqps://`."""

    Connection = AnsweredConnection
