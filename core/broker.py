"""How workers and senders reach the broker: connections to Redis that survive a failover, and RabbitMQ's queues."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from amqp.exceptions import AMQPError  # type: ignore[import-untyped] # as kombu, it has no types
from kombu.entity import Exchange
from kombu.entity import Queue as BrokerQueue
from kombu.exceptions import KombuError
from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport import redis as kombu_redis
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from core.names import Queue
from core.rabbitmq import AnsweredSSLTransport, AnsweredTransport
from core.redis_failover import FailoverConnection, FailoverSSLConnection, NotPrimaryError
from core.sentinels import SCHEME, SentinelConnection, SentinelGroup, finder_of

# Every error of an unreachable broker: kombu wraps the transport's own errors in some places and not in others.
BROKER_ERRORS = (KombuError, RedisError, AMQPError, OSError)

_RABBITMQ = frozenset({"amqp", "amqps", "pyamqp"})
# Each message is on most of RabbitMQ's nodes; one that goes down takes none along.
_QUORUM = {"x-queue-type": "quorum"}

# What a replica refused was not done: it is asked again at once, of whoever is the primary now.
_RETRY = Retry(NoBackoff(), 1, (NotPrimaryError,))


class FailoverChannel(kombu_redis.Channel):
    """The connections of a worker and of a sender to Redis."""

    connection_class = FailoverConnection
    connection_class_ssl = FailoverSSLConnection

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call] # no types there
        return parameters | {"retry": _RETRY}


class FailoverTransport(kombu_redis.Transport):
    """With kombu's own, a worker ends when its Redis becomes a replica: the blocking BRPOP is answered by an error that
    is no lost connection (UNBLOCKED, then READONLY). A full Redis (OOM) ends it, too."""

    Channel = FailoverChannel
    connection_errors = (*kombu_redis.Transport.connection_errors, OutOfMemoryError)


class FailoverSentinelChannel(kombu_redis.SentinelChannel):
    """The same where sentinels know the primary's address."""

    connection_class: Any = SentinelConnection
    # kombu sets those of its transport's options that it knows.
    master_name: str
    sentinel_kwargs: Mapping[str, str | None] | None = None

    def _sentinel_managed_pool(self, asynchronous: bool = False) -> ConnectionPool:
        parameters: dict[str, Any] = self._connparams(asynchronous)  # type: ignore[no-untyped-call] # no types there
        first = parameters.pop("host"), parameters.pop("port")
        others = [urlsplit(url) for url in self.connection.client.alt]
        sign_in = self.sentinel_kwargs or {}
        group = SentinelGroup(
            sentinels=tuple((one.hostname or "", one.port or first[1]) for one in others) or (first,),
            name=self.master_name,
            database=parameters["db"],
            username=parameters["username"],
            password=parameters["password"],
            sentinel_username=sign_in.get("username"),
            sentinel_password=sign_in.get("password"),
        )
        return ConnectionPool(**parameters | {"retry": _RETRY, "finder": finder_of(group)})


class FailoverSentinelTransport(kombu_redis.SentinelTransport):
    """The same where sentinels know the primary's address."""

    Channel = FailoverSentinelChannel
    connection_errors = FailoverTransport.connection_errors


def register_failover_transports() -> None:
    """Let every connection of this process to a broker use ours, those of Celery's pools included: kombu makes
    those of a class of its own, and finds its transports by the URL's scheme only. Harmless when repeated."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{FailoverTransport.__name__}"
    for scheme in ("amqp", "pyamqp"):
        TRANSPORT_ALIASES[scheme] = f"{AnsweredTransport.__module__}:{AnsweredTransport.__name__}"
    TRANSPORT_ALIASES["amqps"] = f"{AnsweredSSLTransport.__module__}:{AnsweredSSLTransport.__name__}"
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:{FailoverSentinelTransport.__name__}"
    _transport_cache.clear()


@dataclass(frozen=True)
class BrokerAddress:
    """The broker's as kombu takes it: what its addresses of Sentinels cannot say goes into its transport's options."""

    url: str = field(repr=False)
    transport_options: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """Celery's, for workers and senders: whoever declares a queue first decides what it is. It takes
        CELERY_BROKER_URL from the environment whatever `broker_url` is, but not where read and write URL are set."""
        arguments = _QUORUM if self.url.partition("://")[0] in _RABBITMQ else None
        return {
            "broker_read_url": self.url,
            "broker_write_url": self.url,
            "task_queues": [BrokerQueue(name, Exchange(name), name, queue_arguments=arguments) for name in Queue],
        }

    @classmethod
    def of_url(cls, url: str) -> "BrokerAddress":
        """Raises ValueError."""
        if not url.startswith(f"{SCHEME}://"):
            return cls(url)
        group = SentinelGroup.of_url(url)
        sign_in = {"username": group.sentinel_username, "password": group.sentinel_password}
        options: dict[str, Any] = {"master_name": group.name}
        if any(sign_in.values()):
            options["sentinel_kwargs"] = sign_in
        return cls(";".join(_kombu_url(group, *sentinel) for sentinel in group.sentinels), options)


def _kombu_url(group: SentinelGroup, host: str, port: int) -> str:
    """kombu takes credentials and database of whichever it tries last, so each has them."""
    signed_in = f"{quote(group.username or '', safe='')}:{quote(group.password or '', safe='')}@"
    host = f"[{host}]" if ":" in host else host
    return f"{SCHEME}://{signed_in if group.password else ''}{host}:{port}/{group.database}"
