"""A primary, its replica and three Sentinels that watch them: Valkey's own binary in its three parts."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dev.local.ports import LOOPBACK
from dev.local.sentinel import NAME, Sentinel, sentinel_url
from dev.local.valkey import EmbeddedValkey
from tests.replication import Node
from tests.waiting import wait_until

# Of Sentinels and replicas, and of the tests: whatever else a server was told came from us.
_NOT_OURS = frozenset(
    {"info", "ping", "publish", "subscribe", "auth", "hello", "role", "client", "config", "replconf", "psync", "multi",
     "exec", "replicaof", "slaveof", "select"}
)  # fmt: skip


class SentinelPair:
    """`url` names the three Sentinels."""

    def __init__(self, first: EmbeddedValkey, second: EmbeddedValkey, sentinels: list[Sentinel], password: str) -> None:
        self.servers, self.sentinels, self._password = (first, second), sentinels, password
        self.nodes = {server: Node(server, password) for server in self.servers}
        self.url = sentinel_url([(LOOPBACK, sentinel.port) for sentinel in sentinels], password)

    @property
    def primary(self) -> EmbeddedValkey:
        [named] = {sentinel.names() for sentinel in self.sentinels}
        return next(server for server in self.servers if server.port == named)

    @property
    def replica(self) -> EmbeddedValkey:
        primary = self.primary
        return next(server for server in self.servers if server is not primary)

    def wait_whole(self) -> None:
        """Until a failover could begin: each Sentinel knows the others and a replica that follows."""
        wait_until(lambda: all(self._sees_all(sentinel) for sentinel in self.sentinels), 60, every=0.1)
        replica = self.nodes[self.replica].admin
        wait_until(lambda: replica.info("replication").get("master_link_status") == "up", 60, every=0.1)

    def _sees_all(self, sentinel: Sentinel) -> bool:
        state = sentinel.state() or {}
        replicas = sentinel.admin.sentinel_slaves(NAME) if state else []
        up = [one for one in replicas if not one["is_sdown"] and one["master-link-status"] == "ok"]
        return state.get("num-other-sentinels") == len(self.sentinels) - 1 and len(up) == 1 and not state["is_sdown"]

    def wait_failed_over(self, before: EmbeddedValkey) -> None:
        """Until most of the Sentinels name another primary than before."""
        quorum = len(self.sentinels) // 2 + 1
        wait_until(lambda: sum(one.names() not in {None, before.port} for one in self.sentinels) >= quorum, 60)

    def bring_back(self, server: EmbeddedValkey) -> None:
        """As a host does that restarts: it takes itself for a primary until a Sentinel tells it otherwise."""
        server.start()
        self.nodes[server].configure(self._password)

    def forget_commands(self, server: EmbeddedValkey) -> None:
        """Of all connections that it has: each round trip is one more turn of its event loop."""
        admin = self.nodes[server].admin
        for _ in range(5):
            admin.ping()
        admin.config_resetstat()

    def commands_until_demoted(self, server: EmbeddedValkey) -> set[str]:
        """What this server, which takes itself for a primary, was told by us until a Sentinel has told it."""
        told: set[str] = set()

        def is_demoted() -> bool:
            info = self.nodes[server].admin.info("everything")
            if info["role"] == "slave":
                return True
            told.update(name.removeprefix("cmdstat_").partition("|")[0] for name in info if name.startswith("cmdstat_"))
            return False

        wait_until(is_demoted, 60, every=0.05)
        return told - _NOT_OURS


@contextmanager
def sentinel_group() -> Iterator[SentinelPair]:
    """Whole, with the first server as its primary."""
    with tempfile.TemporaryDirectory(prefix="welno-test-") as name, ExitStack() as stack:
        folder = Path(name)
        first = stack.enter_context(EmbeddedValkey(folder / "first", appendonly=False))
        password = urlsplit(first.url).password or ""
        (folder / "second").mkdir()
        shutil.copytree(folder / "first" / "secrets", folder / "second" / "secrets")
        second = stack.enter_context(EmbeddedValkey(folder / "second", appendonly=False))
        sentinels = [Sentinel(folder / f"sentinel{number}", password) for number in range(3)]
        group = SentinelPair(first, second, sentinels, password)
        group.nodes[second].follow(group.nodes[first])
        for sentinel in sentinels:
            stack.callback(sentinel.admin.close)
            stack.callback(sentinel.process.kill)
            sentinel.start(first)
        for node in group.nodes.values():
            stack.callback(node.admin.close)
        group.wait_whole()
        yield group


@contextmanager
def frozen(server: EmbeddedValkey) -> Iterator[None]:
    """It answers nothing, and its connections stay open."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)
