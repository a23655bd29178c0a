"""Two Valkeys that trade places, and an address in front of them that leads to one or the other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis

from dev.local.ports import LOOPBACK
from dev.local.valkey import EmbeddedValkey
from tests.integration.relay.proxy import SilenceableProxy
from tests.waiting import wait_until


class Node:
    """One server of the pair, with an administrator's connection of its own."""

    def __init__(self, server: EmbeddedValkey, password: str) -> None:
        self.port = server.port
        self.admin = redis.Redis(port=server.port, password=urlsplit(server.url).password)
        self.configure(password)

    def configure(self, password: str) -> None:
        """Of one password, or what leads to one could not lead to the other. Lost with a restart."""
        self.admin.config_set("masterauth", password)
        self.admin.config_set("requirepass", password)
        self.admin.config_set("repl-diskless-sync-delay", 0)

    def follow(self, other: "Node") -> None:
        """Be demoted. Returns when its data is the other's."""
        self.admin.replicaof(LOOPBACK, other.port)
        wait_until(lambda: self.admin.info("replication").get("master_link_status") == "up", 20)

    def lead(self) -> None:
        self.admin.replicaof("NO", "ONE")

    def count_connections(self) -> int:
        """Since the server was started."""
        return int(self.admin.info("stats")["total_connections_received"])

    def count_clients(self) -> int:
        """Of those who are not servers themselves, without the administrator."""
        return len(self.admin.client_list(_type="normal")) - 1


class Address(SilenceableProxy):
    """New connections lead to the node that was named last; those of before stay where they are."""

    def lead_to(self, node: Node) -> None:
        self._target_port = node.port


class Pair:
    """`url` is the address in front of them; it leads to the primary, which is the first server at first."""

    def __init__(self, first: EmbeddedValkey, second: EmbeddedValkey, address: Address) -> None:
        password = urlsplit(first.url).password or ""
        self._first, self._password = first, password
        self.primary, self.replica = Node(first, password), Node(second, password)
        self.replica.follow(self.primary)
        self._address = address
        self.address = f"{LOOPBACK}:{address.port}"
        self.url = f"redis://:{password}@{self.address}/0"

    def restart_first(self, *, keep_data: bool) -> None:
        """It is killed, and comes back with its last snapshot, or with nothing."""
        self._first.restart(keep_data=keep_data, kill=True)
        self.primary.configure(self._password)

    def fail_over(self) -> None:
        """As an orchestrator does: promote the replica, switch the address, demote the primary; nothing is cut, and
        what was written before is there."""
        written = self.primary.admin.info("replication")["master_repl_offset"]
        wait_until(lambda: self.replica.admin.info("replication")["slave_repl_offset"] >= written)
        self.promote()
        self.replica.follow(self.primary)

    def promote(self) -> None:
        """The node of before still takes itself for a primary."""
        self.primary, self.replica = self.replica, self.primary
        self.primary.lead()
        self._address.lead_to(self.primary)

    @contextmanager
    def demoted(self) -> Iterator[None]:
        """Nobody is the primary at the address for a while, until the node of before is again."""
        self.replica.lead()
        self.primary.follow(self.replica)
        yield
        self.primary.lead()
        self.replica.admin.replicaof(LOOPBACK, self.primary.port)


@contextmanager
def replicated() -> Iterator[Pair]:
    """A primary and its replica."""
    with (
        tempfile.TemporaryDirectory(prefix="welno-test-") as folder,
        EmbeddedValkey(Path(folder) / "first", appendonly=False) as first,
        EmbeddedValkey(Path(folder) / "second", appendonly=False) as second,
        Address(first.port) as address,
    ):
        pair = Pair(first, second, address)
        yield pair
        for node in (pair.primary, pair.replica):
            node.admin.close()
