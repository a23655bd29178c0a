"""Two PostgreSQL servers, a primary and its streaming replica, and what an operator does with them by hand."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from dev.local.home import make_home
from dev.local.ports import LOOPBACK, pick_port
from dev.local.postgres import EmbeddedPostgres
from dev.local.postgres_node import STANDBY, PostgresNode
from tests.integration.relay.proxy import SilenceableProxy
from tests.stacks import copied_home
from tests.waiting import wait_until


class Node(PostgresNode):
    """One server of the pair. The data folder of the second is empty at first."""

    def set(self, name: str, value: str) -> None:
        self.ask(f"alter system set {name} = '{value}'")
        self.ask("select pg_reload_conf()")
        wait_until(lambda: self.ask(f"show {name}") == value)

    def run_script(self, script: str) -> None:
        """As PostgreSQL's own user who sits at its host."""
        url = make_url(self.server.url)
        login = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.server.port),
            "PGUSER": url.username,
            "PGPASSWORD": url.password,
        }
        path = {"PATH": f"{self.binaries}:{os.environ['PATH']}"}
        self.run("sh", "-e", "-c", script, env={name: str(value) for name, value in (login | path).items()})

    def count_standbys(self) -> int:
        return int(self.ask("select count(*) from pg_stat_replication where state = 'streaming'"))


class PostgresPair:
    """`url` names both, as DATABASE_URL does; `link` is the wire on which the replica hears the primary."""

    def __init__(self, primary: Node, replica: Node, link: SilenceableProxy) -> None:
        self.primary, self.replica, self.link = primary, replica, link

    @property
    def url(self) -> str:
        return self.url_for(self.primary, self.replica)

    def url_for(self, *nodes: Node) -> str:
        url = make_url(self.primary.server.url)
        hosts = ",".join(node.address for node in nodes)
        return f"postgresql://{url.username}:{url.password}@{hosts}/{url.database}?target_session_attrs=read-write"

    def cut_link(self) -> None:
        """The replica has what was committed before, and nothing of what comes."""
        written = self.primary.ask("select pg_current_wal_flush_lsn()")
        wait_until(lambda: self.replica.ask(f"select pg_last_wal_receive_lsn() >= '{written}'"))
        self.link.silence()

    def catch_up(self) -> None:
        """The replica shows what was committed before, logins and rights among it."""
        written = self.primary.ask("select pg_current_wal_flush_lsn()")
        wait_until(lambda: self.replica.ask(f"select pg_last_wal_replay_lsn() >= '{written}'"))

    def be_synchronous(self) -> None:
        """From now on a commit is acknowledged when both have it."""
        self.primary.set("synchronous_standby_names", STANDBY)
        wait_until(lambda: self.primary.ask("select sync_state from pg_stat_replication") == "sync")


@contextmanager
def replicated(server: EmbeddedPostgres) -> Iterator[PostgresPair]:
    """A running server and a replica that is made of it; asynchronous at first."""
    primary = Node(server)
    with TemporaryDirectory(prefix="welno-test-") as folder, SilenceableProxy(server.port) as link:
        home = make_home(Path(folder))
        shutil.copytree(server.home / "secrets", home / "secrets")  # a replica has the primary's logins
        replica = Node(EmbeddedPostgres(home, pick_port()))
        primary.add_slot()
        replica.copy_from(primary, port=link.port)
        with replica.server:
            wait_until(lambda: primary.count_standbys() == 1, 30)
            yield PostgresPair(primary, replica, link)


@contextmanager
def postgres_pair(migrated: Path) -> Iterator[PostgresPair]:
    """Both with the schema, and durable: pg_rewind wants whole pages in the log."""
    with (
        copied_home(migrated) as home,
        EmbeddedPostgres(home, pick_port()) as server,
        replicated(server) as pair,
    ):
        yield pair
