"""The two PostgreSQL of the hosts, on loopback: what becomes of one that was left behind."""

import random
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from dev.hosts.errors import HostsError
from dev.hosts.stores import HostStores
from dev.hosts.topology import Host, HostRole, lay_out
from dev.local.home import make_home
from dev.local.postgres import EmbeddedPostgres
from dev.local.postgres_node import PostgresNode
from tests.waiting import wait_until


class TwoPostgres:
    """Of a data centre whose other hosts are not started; the second is the standby."""

    def __init__(self, home: Path) -> None:
        # Its ports are the usual ones, so two runs must not meet.
        self._network = IPv4Network(f"127.{random.randint(78, 250)}.{random.randint(0, 250)}.0/24")
        topology = lay_out(self._network)
        self.stores = HostStores(home, topology)
        self.hosts = topology.of(HostRole.POSTGRES)
        self.first, self.second = (self._node(home, host) for host in self.hosts)

    def start(self, host: Host) -> None:
        [service] = self.stores.services(host)
        service.start()

    def stop(self) -> None:
        for host in self.hosts:
            [service] = self.stores.services(host)
            service.process().kill()

    def _node(self, home: Path, host: Host) -> PostgresNode:
        """Another's view of the same server."""
        folder = home / "hosts" / host.name
        return PostgresNode(EmbeddedPostgres(folder, 5432, host=host.address, admitted=[str(self._network)]))


@pytest.fixture
def two() -> Iterator[TwoPostgres]:
    with TemporaryDirectory(prefix="welno-test-") as folder:
        two = TwoPostgres(make_home(Path(folder)))
        try:
            for host in two.hosts:
                two.start(host)
            wait_until(lambda: two.first.ask("select count(*) from pg_stat_replication") == 1, 30)
            yield two
        finally:
            two.stop()


def is_standby_of_the_other(node: PostgresNode, other: PostgresNode) -> bool:
    """Hears it, and has nothing of its own."""
    wait_until(lambda: other.ask("select count(*) from pg_stat_replication where state = 'streaming'") == 1, 30)
    return bool(node.ask("select pg_is_in_recovery() and to_regclass('written_alone') is null"))


def test_a_primary_that_took_writes_beside_its_successor_becomes_its_standby(two: TwoPostgres):
    first, second = two.hosts
    two.second.promote()
    two.first.ask("create table written_alone (number int)")
    assert not two.stores.stop_stale_primary(second)
    assert two.stores.stop_stale_primary(first)
    with pytest.raises(psycopg2.OperationalError):
        two.first.ask("select 1")
    two.start(first)
    assert is_standby_of_the_other(two.first, two.second)
    assert not two.stores.stop_stale_primary(first)


def test_it_is_copied_anew_where_it_cannot_be_rewound(two: TwoPostgres):
    first, _ = two.hosts
    two.second.promote()
    two.first.ask("create table written_alone (number int)")
    assert two.stores.stop_stale_primary(first)
    for segment in (two.first.data / "pg_wal").glob("0000000100000000*"):
        segment.unlink()
    two.start(first)
    assert is_standby_of_the_other(two.first, two.second)
    assert (two.first.data.parent / "data.before").is_dir()


def test_it_stays_down_while_its_successor_is_away(two: TwoPostgres):
    first, second = two.hosts
    two.second.promote()
    assert two.stores.stop_stale_primary(first)
    [service] = two.stores.services(second)
    service.process().kill()
    with pytest.raises(HostsError, match="is the primary now, and does not answer"):
        two.start(first)


def test_a_primary_without_a_successor_is_left_alone(two: TwoPostgres):
    assert [two.stores.stop_stale_primary(host) for host in two.hosts] == [False, False]
