"""The whole product on the hosts of a data centre, in this process: who comes to it stands where all hosts meet."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from kombu.connection import Connection
from kombu.exceptions import KombuError

from dev.bench.chaos.product import QUEUES, count_queued
from dev.bench.chaos.recorder import NOTICES_A_CUT
from dev.bench.chaos.system import StorePorts
from dev.hosts.data_centre import Contents, DataCentre, Entrances
from dev.hosts.forwarder import Forwarder, listen
from dev.hosts.object_server import read_record
from dev.hosts.objects import PORT as OBJECTS_PORT
from dev.hosts.stores import POSTGRES_PORT, VALKEY_PORT
from dev.hosts.supervisor import make_network
from dev.hosts.topology import PRODUCT_ROLES, Host, HostRole
from dev.local.errors import StartFailedError
from dev.local.faketime import NO_FAKETIME, WallClocks, find_faketime
from dev.local.home import hold_home
from dev.local.ports import LOOPBACK, pick_port
from dev.local.postgres_node import STANDBY
from dev.local.process import Process
from dev.local.programs import ROOT
from dev.local.run import tell
from services.stores import connect_redis

_INCOMING = "spool/incoming/"
# A look at a bucket is dearer than one at a folder.
_SETTINGS = {"WELNO_FILE_RETRY_INTERVAL_SECONDS": "10"}
_STANDBY_SECONDS, _AGAIN_SECONDS = 60.0, 0.2
_FOLLOWS = "select 1 from pg_stat_replication where application_name = %s and state = 'streaming'"


class RecordedArrivals:
    """Of answers in the object store, as that wrote it down."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def start(self) -> None:
        """It is being written down already."""

    @property
    def arrived(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for at, key in read_record(self._record):
            name = key.removeprefix(_INCOMING)
            if name != key:
                found.setdefault(name, []).append(at)
        return found


class HostCluster:
    """Commits are synchronous (docs/operations.md, 'What may be lost'), so that a promotion loses nothing."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self._home, self._settings = home, {**settings, **_SETTINGS}
        self.centre: DataCentre
        self.clocks: WallClocks | None = None

    @property
    def env(self) -> Mapping[str, str]:
        return self.centre.environment

    @property
    def web_url(self) -> str:
        return self.centre.site

    @property
    def sandbox_url(self) -> str:
        return self.centre.sandbox

    @property
    def database_url(self) -> str:
        return self.env["DATABASE_URL"]

    @property
    def monitored_brokers(self) -> Sequence[str]:
        """None: RabbitMQ's cannot be seen, and a Valkey's moves."""
        return ()

    @property
    def store_ports(self) -> StorePorts:
        return StorePorts(POSTGRES_PORT, VALKEY_PORT, frozenset({POSTGRES_PORT, VALKEY_PORT}))

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Before this process has a second thread."""
        with ExitStack() as stack:
            home = stack.enter_context(hold_home(self._home))
            network = make_network()
            tell(f"hosts: {network.description}")
            entrances = Entrances(*(listen(LOOPBACK, pick_port()) for _ in range(3)))
            self.clocks = self._make_clocks()
            contents = Contents(is_demo=False, settings=self._settings, clocks=self.clocks)
            self.centre = DataCentre(home, network, entrances, tell, contents)
            stack.callback(self.centre.stop)
            self.centre.open()
            self._reach_objects(stack)
            self._wait_synchronous()
            yield

    def start_programs(self) -> None:
        self.centre.start_product()
        tell(self.centre.status())

    def processes(self) -> list[psutil.Process]:
        found = []
        for host in self._product_hosts():
            for pid in self.pids_of(host):
                parent = psutil.Process(pid)
                found += [parent, *parent.children(recursive=True)]
        return found

    def pids_of(self, host: Host) -> frozenset[int]:
        return self.centre.machines[host.name].pids()

    def sockets_of(self, process: psutil.Process) -> Sequence[Any]:
        """psutil asks the network of the thread that calls it."""
        for host in self._product_hosts():
            if self._is_on(process, host):
                with self.centre.network.entered(host):
                    return process.net_connections("tcp")
        return []

    def queue_sizes(self) -> Mapping[str, int]:
        if not self.centre.network.topology.of(HostRole.RABBITMQ):
            with connect_redis(self.env["REDIS_URL"]) as client:
                return count_queued(client)
        connection = Connection(self.env["CELERY_BROKER_URL"], connect_timeout=5)
        try:
            with connection:
                channel = connection.default_channel
                return {queue: channel.queue_declare(queue, passive=True).message_count for queue in QUEUES}
        except (KombuError, *connection.connection_errors, *connection.channel_errors) as exc:
            raise ConnectionError("the broker does not answer") from exc

    def watch_incoming(self) -> RecordedArrivals:
        return RecordedArrivals(self.centre.record_of_objects)

    # As an operator

    def make_promotion(self) -> Process:
        """The command that promotes the standby, where all hosts are reached from; started again while it refuses."""
        command = (sys.executable, "-m", "tasks.failover", "promote")
        return Process("failover", command, self._home / "failover.log", env=self.env, cwd=ROOT)

    def commit_synchronously(self) -> bool:
        """From now on, if the standby follows."""
        if not self.is_followed():
            return False
        self._wait_for(STANDBY)
        return True

    def commit_alone(self) -> None:
        """From now on no commit waits for the standby, which is away."""
        self._wait_for("")

    def is_followed(self) -> bool:
        try:
            return bool(self._ask(_FOLLOWS, STANDBY))
        except psycopg2.Error:  # nobody takes writes just now
            return False

    def _wait_synchronous(self) -> None:
        """Raises StartFailedError."""
        deadline = time.monotonic() + _STANDBY_SECONDS
        while not self.commit_synchronously():
            if time.monotonic() > deadline:
                raise StartFailedError(f"no standby follows within {_STANDBY_SECONDS:.0f} s")
            time.sleep(_AGAIN_SECONDS)

    def _wait_for(self, standby: str) -> None:
        self._ask("alter system set synchronous_standby_names = %s", standby)
        self._ask("select pg_reload_conf()")

    def _ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.database_url, connect_timeout=2, **NOTICES_A_CUT)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    def _make_clocks(self) -> WallClocks | None:
        library = find_faketime()
        if library is None:
            tell(f"{NO_FAKETIME}; until then all hosts have one clock")
            return None
        folder = self._home / "clocks"
        folder.mkdir(exist_ok=True)
        return WallClocks(library, folder, cache_seconds=1)

    def _reach_objects(self, stack: ExitStack) -> None:
        """As from a host: the product speaks plain HTTP on the same machine only, and boto3 reads this process's
        credentials."""
        os.environ.update({name: value for name, value in self.env.items() if name.startswith("AWS_")})
        network = self.centre.network
        [objects] = network.topology.of(HostRole.OBJECTS)
        if network.bridge is not None:
            where = (objects.address, OBJECTS_PORT)
            forwarder = Forwarder(listen(LOOPBACK, OBJECTS_PORT), where, network.bridge)
            forwarder.start()
            stack.callback(forwarder.close)

    def _product_hosts(self) -> list[Host]:
        return [host for role in PRODUCT_ROLES for host in self.centre.network.topology.of(role)]

    def _is_on(self, process: psutil.Process, host: Host) -> bool:
        pids = self.pids_of(host)
        return process.pid in pids or any(parent.pid in pids for parent in process.parents())
