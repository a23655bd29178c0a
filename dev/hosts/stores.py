"""The stores of the hosts: PostgreSQL with a replica, Valkey with Sentinels, RabbitMQ; and how others find them."""

import shutil
import time
from pathlib import Path

import psycopg2

from dev.hosts.errors import HostsError
from dev.hosts.service import Service
from dev.hosts.topology import Host, HostRole, Topology
from dev.local.errors import StartFailedError
from dev.local.postgres import EmbeddedPostgres
from dev.local.postgres_node import PostgresNode
from dev.local.rabbitmq import RabbitMQ, RabbitMQAddress, make_epmd, make_node
from dev.local.secrets import keep_secret
from dev.local.sentinel import Sentinel, sentinel_url
from dev.local.valkey import EmbeddedValkey

POSTGRES_PORT, VALKEY_PORT, _SENTINEL_PORT = 5432, 6379, 26379
_DATA_FOLDERS = ("valkey", "sentinel", "rabbitmq")
_RABBITMQ_PORTS = (5672, 15672, 25672, 4369)
# A link that is up again needs a moment, and its addresses are asked for anew.
_SUCCESSOR_SECONDS, _AGAIN_SECONDS = 15.0, 0.2


class HostStores:
    """Of a home whose `secrets` all hosts share."""

    def __init__(self, home: Path, topology: Topology) -> None:
        self._home, self._topology = home, topology
        self._rabbitmq_login = f"welno:{keep_secret(home, 'rabbitmq_password')}"
        self._valkey_password = keep_secret(home, "valkey_password")
        self._rabbitmq_nodes: dict[str, RabbitMQ] = {}
        # Whose node has to be forgotten by the others before it can join them again.
        self._lost_nodes: set[str] = set()
        self._postgres = {host.name: self._make_postgres(host) for host in topology.of(HostRole.POSTGRES)}

    @property
    def database_url(self) -> str:
        """As docs/operations.md has it: a process uses the one that takes writes."""
        return self._postgres_url("read-write")

    @property
    def replica_url(self) -> str:
        """Whichever is the standby."""
        return self._postgres_url("standby")

    def _postgres_url(self, wanted: str) -> str:
        password = keep_secret(self._home, "postgres_password")
        hosts = ",".join(f"{host.address}:{POSTGRES_PORT}" for host in self._topology.of(HostRole.POSTGRES))
        return f"postgresql://welno:{password}@{hosts}/welno?target_session_attrs={wanted}"

    @property
    def redis_url(self) -> str:
        addresses = [(host.address, _SENTINEL_PORT) for host in self._topology.of(HostRole.VALKEY)]
        return sentinel_url(addresses, self._valkey_password)

    @property
    def broker_url(self) -> str:
        """RabbitMQ's where it is installed, else that of the Sentinels."""
        nodes = self._topology.of(HostRole.RABBITMQ)
        return ";".join(f"amqp://{self._rabbitmq_login}@{host.address}:{_RABBITMQ_PORTS[0]}//" for host in nodes) or (
            self.redis_url
        )

    @property
    def broker_api(self) -> str | None:
        """Where Flower asks for the lengths of queues; None for Valkey's, which it asks itself."""
        nodes = self._topology.of(HostRole.RABBITMQ)
        return f"http://{self._rabbitmq_login}@{nodes[0].address}:{_RABBITMQ_PORTS[1]}/api/" if nodes else None

    def services(self, host: Host) -> list[Service]:
        make = {
            HostRole.POSTGRES: self._postgres_service,
            HostRole.VALKEY: self._valkey,
            HostRole.RABBITMQ: self._rabbitmq,
        }
        return make[host.role](host)

    def find_standby(self) -> str | None:
        """The host whose PostgreSQL is one by its data; None where both, or none, are."""
        standbys = [name for name, node in self._postgres.items() if node.is_standby]
        return standbys[0] if len(standbys) == 1 else None

    def wipe(self, host: Host) -> None:
        """What its killed stores have on their disk."""
        folder = _folder(self._home, host)
        if host.role is HostRole.POSTGRES:
            self._postgres[host.name].set_aside()
        for name in _DATA_FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
        if self._rabbitmq_nodes.pop(host.name, None) is not None:
            self._lost_nodes.add(host.name)

    def stop_stale_primary(self, host: Host) -> bool:
        """Whether a PostgreSQL ran there that took writes beside its successor; its next start makes it a standby.

        At once, as by its power: a shutdown in good order would wait for whoever still writes there.
        """
        if host.role is not HostRole.POSTGRES:
            return False
        node, other = self._pair(host)
        if not node.server.process.is_running or not _is_stale(node, other):
            return False
        node.server.stop(immediate=True)
        return True

    def _pair(self, host: Host) -> tuple[PostgresNode, PostgresNode]:
        """Its own, and the other's."""
        [other] = [one for name, one in self._postgres.items() if name != host.name]
        return self._postgres[host.name], other

    def _make_postgres(self, host: Host) -> PostgresNode:
        folder = _folder(self._home, host)
        network = str(self._topology.network)
        return PostgresNode(EmbeddedPostgres(folder, POSTGRES_PORT, host=host.address, admitted=[network]))

    def _postgres_service(self, host: Host) -> list[Service]:
        node, other = self._pair(host)

        def start() -> None:
            if not node.data.exists() and other.data.exists():
                _add_slot_once(other)
                node.copy_from(other)
            elif _is_stale(node, other):
                # What docs/operations.md tells an operator to do before a primary of before comes back.
                _add_slot_once(other)
                _make_standby(node, other)
            node.server.start()

        return [Service("postgres", start, lambda: node.server.process)]

    def _valkey(self, host: Host) -> list[Service]:
        first = self._topology.of(HostRole.VALKEY)[0]
        server = EmbeddedValkey(
            _folder(self._home, host),
            VALKEY_PORT,
            host=host.address,
            directives={
                "masterauth": self._valkey_password,
                "replica-announce-ip": host.address,
                "repl-diskless-sync-delay": "0",
                # Else one that is cut from the others takes writes which are lost when it is healed.
                "min-replicas-to-write": "1",
                "min-replicas-max-lag": "2",
                # Once started, Sentinels tell it whom to follow, or that it is the primary.
                **({} if host is first else {"replicaof": f"{first.address} {VALKEY_PORT}"}),
            },
        )
        sentinel = Sentinel(_folder(self._home, host) / "sentinel", self._valkey_password, host.address, _SENTINEL_PORT)

        def start_sentinel() -> None:
            if not sentinel.knows_its_group:
                sentinel.forget_all_but((first.address, VALKEY_PORT))
            sentinel.resume()

        return [
            Service("valkey", server.start, lambda: server.process),
            Service("sentinel", start_sentinel, lambda: sentinel.process),
        ]

    def _rabbitmq(self, host: Host) -> list[Service]:
        epmd = make_epmd(_folder(self._home, host), _rabbitmq_address(host))

        def start() -> None:
            node = self._rabbitmq_node(host)
            if node.process.is_running:
                return
            if host.name in self._lost_nodes:
                self._another_node(host).control("rabbitmqctl", "forget_cluster_node", node.name)
            node.process.start()
            if host.number == 1:
                node.wait_ready()  # the others join it

        def wait() -> None:
            node = self._rabbitmq_node(host)
            node.wait_ready()
            if host.name in self._lost_nodes:
                node.control("rabbitmq-queues", "grow", node.name, "all")
                self._lost_nodes.discard(host.name)

        return [
            Service("epmd", epmd.start, lambda: epmd),
            Service("rabbitmq", start, lambda: self._rabbitmq_node(host).process, wait),
        ]

    def _rabbitmq_node(self, host: Host) -> RabbitMQ:
        if host.name not in self._rabbitmq_nodes:
            folder, own = _folder(self._home, host) / "rabbitmq", _rabbitmq_address(host)
            all_nodes = [_rabbitmq_address(one) for one in self._topology.of(HostRole.RABBITMQ)]
            cookie = keep_secret(self._home, "erlang_cookie")
            node = make_node(folder, own, all_nodes, login=self._rabbitmq_login, cookie=cookie)
            self._rabbitmq_nodes[host.name] = node
        return self._rabbitmq_nodes[host.name]

    def _another_node(self, host: Host) -> RabbitMQ:
        others = (one for one in self._topology.of(HostRole.RABBITMQ) if one is not host)
        return next(node for one in others if (node := self._rabbitmq_node(one)).process.is_running)


def _folder(home: Path, host: Host) -> Path:
    folder = home / "hosts" / host.name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "secrets").exists():
        (folder / "secrets").symlink_to(home / "secrets")
    return folder


def _is_stale(node: PostgresNode, other: PostgresNode) -> bool:
    return not node.is_standby and other.timeline > node.timeline


def _make_standby(node: PostgresNode, primary: PostgresNode) -> None:
    """By pg_rewind; where the two have no log in common any more, by a new copy. Raises StartFailedError."""
    try:
        node.rewind_to(primary)
    except StartFailedError:
        node.set_aside()
        node.copy_from(primary)


def _add_slot_once(primary: PostgresNode) -> None:
    """Raises HostsError while it cannot be asked: beside a successor a primary of before must not take writes."""
    deadline = time.monotonic() + _SUCCESSOR_SECONDS
    while True:
        try:
            return primary.add_slot()
        except psycopg2.errors.DuplicateObject:
            return None
        except psycopg2.OperationalError as exc:  # its host was healed this moment, or is not up
            if time.monotonic() > deadline:
                raise HostsError(
                    f"{primary.address} is the primary now, and does not answer: heal its host first"
                ) from exc
            time.sleep(_AGAIN_SECONDS)


def _rabbitmq_address(host: Host) -> RabbitMQAddress:
    return RabbitMQAddress(*_RABBITMQ_PORTS, host=host.address)
