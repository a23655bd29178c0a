"""How workers and senders reach the broker: with connections that survive a failover, where it is Redis."""

from typing import Any

from amqp.exceptions import AMQPError  # type: ignore[import-untyped] # as kombu, it has no types
from kombu.exceptions import KombuError
from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport import redis as kombu_redis
from redis.exceptions import OutOfMemoryError, RedisError
from redis.sentinel import SentinelManagedConnection

from core.redis_failover import RETRY_ON_FAILOVER, FailoverConnection, FailoverSSLConnection

# Every error of an unreachable broker: kombu wraps the transport's own errors in some places and not in others.
BROKER_ERRORS = (KombuError, RedisError, AMQPError, OSError)


class FailoverChannel(kombu_redis.Channel):
    """The connections of a worker and of a sender to Redis."""

    connection_class = FailoverConnection
    connection_class_ssl = FailoverSSLConnection

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call] # no types there
        return parameters | {"retry": RETRY_ON_FAILOVER}


class FailoverTransport(kombu_redis.Transport):
    """With kombu's own, a worker ends when its Redis becomes a replica: the blocking BRPOP is answered by an error that
    is no lost connection (UNBLOCKED, then READONLY). A full Redis (OOM) ends it, too."""

    Channel = FailoverChannel
    connection_errors = (*kombu_redis.Transport.connection_errors, OutOfMemoryError)


class FailoverSentinelConnection(SentinelManagedConnection, FailoverConnection):
    """Asks the sentinels for the primary whenever it connects."""

    def connect(self) -> None:
        self.disconnect_if_stale()
        super().connect()  # type: ignore[no-untyped-call] # redis-py's


class FailoverSentinelSSLConnection(kombu_redis.SentinelManagedSSLConnection, FailoverSSLConnection):
    """The same over TLS."""

    def connect(self) -> None:
        self.disconnect_if_stale()
        super().connect()  # type: ignore[no-untyped-call] # redis-py's


class FailoverSentinelChannel(kombu_redis.SentinelChannel):
    """The same where sentinels know the primary's address."""

    connection_class = FailoverSentinelConnection
    connection_class_ssl = FailoverSentinelSSLConnection

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call] # no types there
        return parameters | {"retry": RETRY_ON_FAILOVER}


class FailoverSentinelTransport(kombu_redis.SentinelTransport):
    """The same where sentinels know the primary's address."""

    Channel = FailoverSentinelChannel
    connection_errors = FailoverTransport.connection_errors


def register_failover_transports() -> None:
    """Let every connection of this process to a broker on Redis use them, those of Celery's pools included: kombu makes
    those of a class of its own, and finds its transports by the URL's scheme only. Harmless when repeated."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{FailoverTransport.__name__}"
    TRANSPORT_ALIASES["sentinel"] = f"{__name__}:{FailoverSentinelTransport.__name__}"
    _transport_cache.clear()
