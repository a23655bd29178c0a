"""Two PostgreSQL servers, a primary and its streaming replica, and what an operator does with them by hand."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
from sqlalchemy import make_url

from dev.local.home import make_home
from dev.local.ports import LOOPBACK, pick_port
from dev.local.postgres import EmbeddedPostgres, choose_user, find_binaries
from dev.local.process import Process
from tests.integration.relay.proxy import SilenceableProxy
from tests.stacks import copied_home
from tests.waiting import wait_until

# The slot, and the name by which whoever is the standby connects, as in docs/operations.md.
STANDBY = "welno_standby"
_STEP_SECONDS = 60


class Node:
    """One server of the pair. The data folder of the second is empty at first."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._binaries = find_binaries()
        self._user = choose_user(server.home, self._binaries)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.server.port}"

    @property
    def data(self) -> Path:
        return self.server.home / "postgres" / "data"

    def ask(self, statement: str) -> Any:
        """The first value of the answer, if there is any; in a session of its own, in no transaction."""
        with closing(psycopg2.connect(self.conninfo())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def conninfo(self, port: int | None = None) -> str:
        url = make_url(self.server.url)
        login = f"user={url.username} password={url.password} dbname={url.database}"
        return f"host={LOOPBACK} port={port or self.server.port} {login}"

    def set(self, name: str, value: str) -> None:
        self.ask(f"alter system set {name} = '{value}'")
        self.ask("select pg_reload_conf()")
        wait_until(lambda: self.ask(f"show {name}") == value)

    def add_slot(self) -> None:
        self.ask(f"select pg_create_physical_replication_slot('{STANDBY}', true)")

    def copy_from(self, port: int, primary: "Node") -> None:
        """`port` may lead to the primary by a detour."""
        self._make_folder()
        source = f"{primary.conninfo(port)} application_name={STANDBY}"
        self._run("pg_basebackup", "-D", str(self.data), "-R", "-S", STANDBY, "-c", "fast", "--no-sync", "-d", source)

    def rewind_to(self, primary: "Node") -> None:
        """Be made a standby of it. The server is down; one that crashed is recovered without anybody's seeing it."""
        source = f"{primary.conninfo()} application_name={STANDBY}"
        self._run("pg_rewind", "-D", str(self.data), "-R", "--no-sync", "--source-server", source)

    def promote(self) -> None:
        """By hand."""
        self._run("pg_ctl", "promote", "-D", str(self.data))

    def run_script(self, script: str) -> None:
        """As PostgreSQL's own user who sits at its host."""
        url = make_url(self.server.url)
        login = {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.server.port),
            "PGUSER": url.username,
            "PGPASSWORD": url.password,
        }
        path = {"PATH": f"{self._binaries}:{os.environ['PATH']}"}
        self._run("sh", "-e", "-c", script, env={name: str(value) for name, value in (login | path).items()})

    def count_standbys(self) -> int:
        return int(self.ask("select count(*) from pg_stat_replication where state = 'streaming'"))

    def _make_folder(self) -> None:
        folder = self.data.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            os.chown(folder, self._user.uid, self._user.gid)

    def _run(self, program: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        command = [program if env else str(self._binaries / program), *arguments]
        log = self.server.home / "logs" / f"{program}.log"
        step = Process(program, command, log, env=env, user=self._user, cwd=self.server.home)
        step.start()
        try:
            ended = step.wait(_STEP_SECONDS)
        finally:
            step.kill()
        assert ended, f"{program} is still at work after {_STEP_SECONDS} s"
        assert step.exit_code == 0, step.log_tail()


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
        replica.copy_from(link.port, primary)
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
