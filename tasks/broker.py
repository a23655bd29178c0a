"""Connections to the broker: only its consumer waits for one that is unreachable, and reconnects within a second."""

from contextlib import suppress
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.exceptions import ChannelError
from kombu.utils.url import sanitize_url

from core.broker import BROKER_ERRORS
from core.logs import get_logger

log = get_logger(__name__)

_RECONNECT_SECONDS = 0.5


class FastReconnectConnection(Connection):
    """Tries again each half second. kombu's own pauses grow by two seconds up to thirty: after a longer outage a worker
    would reconnect that late."""

    def _ensure_connection(
        self, errback: Any = None, max_retries: int | None = None, *args: Any, **options: Any
    ) -> Any:
        if max_retries is None and not args:
            pause = _RECONNECT_SECONDS
            options |= {"interval_start": pause, "interval_step": pause, "interval_max": pause}
        return super()._ensure_connection(errback, max_retries, *args, **options)  # type: ignore[no-untyped-call] # no types there

    def info(self) -> dict[str, Any]:
        """What a worker tells of its broker to whoever asks, such as Flower. Celery takes the password out, and leaves
        those of the other addresses and of Sentinels there."""
        told: dict[str, Any] = super().info()  # type: ignore[no-untyped-call] # no types there
        options = {name: value for name, value in told["transport_options"].items() if name != "sentinel_kwargs"}
        return told | {"alternates": [sanitize_url(url) for url in told["alternates"]], "transport_options": options}


class QueueGauge:
    """Reads the length of one queue, over a connection that it keeps; not shared between threads."""

    def __init__(self, celery: Celery, queue: str) -> None:
        self._celery = celery
        self._queue = queue
        self._connection: Connection | None = None

    def is_empty(self) -> bool:
        """False also when the broker is unreachable: then nothing is known."""
        try:
            if self._connection is None:
                self._connection = self._celery.connection_for_read()
            declared = self._connection.default_channel.queue_declare(self._queue, passive=True)
        except ChannelError:
            return True  # Redis has no key for an empty queue
        except BROKER_ERRORS as exc:
            log.info("queue_length_unknown", queue=self._queue, error=type(exc).__name__)
            self.close()
            return False
        return bool(declared.message_count == 0)

    def close(self) -> None:
        """Harmless when repeated; it connects again when it is asked."""
        connection, self._connection = self._connection, None
        with suppress(*BROKER_ERRORS):
            if connection is not None:
                connection.release()


class FastReconnectAmqp(AMQP):  # type: ignore[misc] # Celery has no types
    """What Celery asks for connections."""

    Connection = FastReconnectConnection
    BrokerConnection = FastReconnectConnection
