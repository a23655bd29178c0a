"""One of two PostgreSQL servers, a primary and its streaming replica, and what an operator does with it by hand."""

import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy import make_url

from dev.local.errors import StartFailedError
from dev.local.postgres import EmbeddedPostgres, choose_user, find_binaries
from dev.local.process import Process

# The slot, and the name by which whoever is the standby connects, as in docs/operations.md.
STANDBY = "welno_standby"
_STEP_SECONDS = 60


class PostgresNode:
    """Its data folder may be empty at first. What fails, or lasts for more than a minute, raises StartFailedError."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.binaries = find_binaries()
        self._user = choose_user(server.home, self.binaries)

    @property
    def address(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    @property
    def data(self) -> Path:
        return self.server.home / "postgres" / "data"

    @property
    def is_standby(self) -> bool:
        """By its data, whether it runs or not."""
        return (self.data / "standby.signal").exists()

    @property
    def timeline(self) -> int:
        """Each promotion begins the next one, and leaves a file about it on whoever follows; 1 before any."""
        return max((int(path.stem, 16) for path in (self.data / "pg_wal").glob("*.history")), default=1)

    def ask(self, statement: str) -> Any:
        """The first value of the answer, if there is any; in a session of its own, in no transaction."""
        with closing(psycopg2.connect(self.conninfo(), connect_timeout=5)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def conninfo(self, port: int | None = None) -> str:
        url = make_url(self.server.url)
        login = f"user={url.username} password={url.password} dbname={url.database}"
        return f"host={self.server.host} port={port or self.server.port} {login}"

    def add_slot(self) -> None:
        self.ask(f"select pg_create_physical_replication_slot('{STANDBY}', true)")

    def copy_from(self, primary: "PostgresNode", *, port: int | None = None) -> None:
        """`port` may lead to the primary by a detour."""
        self._make_folder()
        source = f"{primary.conninfo(port)} application_name={STANDBY}"
        self._run_own(
            "pg_basebackup", "-D", str(self.data), "-R", "-S", STANDBY, "-c", "fast", "--no-sync", "-d", source
        )

    def rewind_to(self, primary: "PostgresNode") -> None:
        """Be made a standby of it. The server is down; one that crashed is recovered without anybody's seeing it."""
        source = f"{primary.conninfo()} application_name={STANDBY}"
        self._run_own("pg_rewind", "-D", str(self.data), "-R", "--no-sync", "--source-server", source)

    def set_aside(self) -> None:
        """Its data goes beside, to be looked at; what was there before is dropped. The server is down."""
        beside = self.data.with_name("data.before")
        shutil.rmtree(beside, ignore_errors=True)
        self.data.rename(beside)

    def promote(self) -> None:
        """By hand."""
        self._run_own("pg_ctl", "promote", "-D", str(self.data))

    def _run_own(self, program: str, *arguments: str) -> None:
        self.run(str(self.binaries / program), *arguments)

    def run(self, program: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        """As PostgreSQL's own user."""
        name = Path(program).name
        log = self.server.home / "logs" / f"{name}.log"
        step = Process(name, [program, *arguments], log, env=env, user=self._user, cwd=self.server.home)
        step.start()
        try:
            ended = step.wait_end(_STEP_SECONDS)
        finally:
            step.kill()
        if not ended:
            raise StartFailedError(f"{name} is still at work after {_STEP_SECONDS} s")
        if step.exit_code != 0:
            raise StartFailedError(f"{name} ended with {step.exit_code}\n{step.log_tail()}")

    def _make_folder(self) -> None:
        folder = self.data.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            os.chown(folder, self._user.uid, self._user.gid)
