"""Which server is the primary of a group that Redis Sentinels watch, and connections that lead to it alone."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from core.logs import get_logger
from core.redis_failover import FailoverConnection, current_generation, start_generation

log = get_logger(__name__)

SCHEME = "sentinel"
_PORT, _NAME = 26379, "mymaster"
# A Sentinel on a host that has died says nothing: the next one is asked instead.
_ASK_SECONDS = 0.5
_OPTIONS = frozenset({"master_name", "sentinel_username", "sentinel_password"})


@dataclass(frozen=True)
class SentinelGroup:
    """What an address of Sentinels says: where they are, the group's name, and how to sign in at both kinds."""

    sentinels: tuple[tuple[str, int], ...]
    name: str
    database: int
    username: str | None
    password: str | None = field(repr=False)
    sentinel_username: str | None
    sentinel_password: str | None = field(repr=False)

    @classmethod
    def of_url(cls, text: str) -> "SentinelGroup":
        """`sentinel://:password@one:26379/0;sentinel://two:26379?master_name=mymaster`: what one of them says counts
        for all. Raises ValueError, without repeating the text."""
        said: dict[str, str] = {}
        parts = [urlsplit(one) for one in text.split(";")]
        for name, value in (pair for one in parts for pair in _pairs_of(one)):
            if said.setdefault(name, value) != value:
                raise ValueError(f"must name one {name.replace('_', ' ')} only")
        return cls(
            sentinels=tuple((one.hostname or "", one.port or _PORT) for one in parts),
            name=said.get("master_name", _NAME),
            database=int(said.get("database", 0)),
            username=said.get("username"),
            password=said.get("password"),
            sentinel_username=said.get("sentinel_username"),
            sentinel_password=said.get("sentinel_password"),
        )

    @property
    def key(self) -> str:
        """Which group it is, whatever the order of its Sentinels, the login and the database."""
        return f"{SCHEME}:{self.name}:{sorted(self.sentinels)}"


def _pairs_of(parts: SplitResult) -> Iterator[tuple[str, str]]:
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _OPTIONS or not value:
            raise ValueError("has an unknown option after '?'")
        yield name, value
    if parts.username:
        yield "username", unquote(parts.username)
    if parts.password:
        yield "password", unquote(parts.password)
    if parts.path.strip("/"):
        yield "database", parts.path.strip("/")


@dataclass(frozen=True)
class Primary:
    """An answer of a Sentinel. `epoch` grows with each failover of the group."""

    epoch: int
    host: str
    port: int


class PrimaryFinder:
    """One for each group in a process, so that all its connections learn of a failover together."""

    def __init__(self, group: SentinelGroup) -> None:
        self.key = group.key
        self._group = group
        self._sentinels = group.sentinels
        self._known: Primary | None = None
        self._lock = threading.Lock()

    def find(self) -> tuple[Primary, int]:
        """The primary, and the generation of the connections that are made to it. Raises ConnectionError."""
        known = self._known
        answers: list[Primary] = []
        for sentinel in self._sentinels:
            answer = self._ask(sentinel)
            if answer is None:
                continue
            answers.append(answer)
            if known is not None and answer.epoch >= known.epoch:
                self._sentinels = (sentinel, *(one for one in self._sentinels if one != sentinel))
                break
        return self._judge(answers)

    def _judge(self, answers: list[Primary]) -> tuple[Primary, int]:
        """A Sentinel that comes back with its host names the primary of before, until the others have told it; so what
        is older than we know is believed only of more than half, as when all of them were set up anew."""
        with self._lock:
            newest = max(answers, key=lambda answer: answer.epoch, default=None)
            if newest is None:
                raise MasterNotFoundError("no Sentinel names a primary")
            known = self._known
            if known is not None and newest.epoch < known.epoch and 2 * len(answers) <= len(self._sentinels):
                raise MasterNotFoundError("the Sentinels that answer are behind")
            if known is not None and (known.host, known.port) != (newest.host, newest.port):
                log.info("redis_failed_over", group=self._group.name)
                start_generation(self.key)
            self._known = newest
            return newest, current_generation(self.key)

    def _ask(self, sentinel: tuple[str, int]) -> Primary | None:
        """None when it does not answer, or knows of no primary that is up."""
        client = redis.Redis(
            *sentinel,
            username=self._group.sentinel_username,
            password=self._group.sentinel_password,
            socket_timeout=_ASK_SECONDS,
            socket_connect_timeout=_ASK_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        with closing(client):
            try:
                state: Any = client.sentinel_master(self._group.name)
            except (exceptions.RedisError, OSError) as exc:
                log.info("sentinel_not_asked", error=type(exc).__name__)
                return None
        if not state["is_master"] or state["is_sdown"] or state["is_odown"]:
            return None
        return Primary(int(state["config-epoch"]), str(state["ip"]), int(state["port"]))


_finders: dict[str, PrimaryFinder] = {}


def finder_of(group: SentinelGroup) -> PrimaryFinder:
    """The one of all addresses of a group, which signs in at its Sentinels as the first of them says: two would tell of
    one failover twice, and the later would drop what was connected since. Keeps no connection, so it may be used before
    and after a fork."""
    return _finders.setdefault(group.key, PrimaryFinder(group))


class SentinelConnection(FailoverConnection):
    """Asks for the primary whenever it connects. Those of a group are dropped together when another server leads it."""

    def __init__(self, *, finder: PrimaryFinder, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # redis-py's
        self._finder = finder

    def _connect(self) -> Any:
        primary, generation = self._finder.find()
        self.host, self.port = primary.host, primary.port
        connected = super()._connect()
        # Of when the primary was asked for: another may lead the group since.
        self._found_generation = generation
        return connected

    @property
    def _address(self) -> str:
        return self._finder.key


def sentinel_options(group: SentinelGroup) -> dict[str, Any]:
    """For a pool of redis-py."""
    return {
        "connection_class": SentinelConnection,
        "finder": finder_of(group),
        "db": group.database,
        "username": group.username,
        "password": group.password,
    }
