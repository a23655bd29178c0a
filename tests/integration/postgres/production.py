"""Servers as in production, where the login is no superuser, and what docs/operations.md has people type there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, text

from dev.local.home import make_home
from dev.local.postgres import EmbeddedPostgres, find_binaries
from dev.local.programs import ROOT
from tests.integration.webapp.canary import everything_in_tables
from tests.waiting import COMMAND_SECONDS

LOGIN, PASSWORD = "product", "invented"  # the password that the page invents, too
_PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")


def blocks_of(heading: str) -> list[str]:
    """The indented blocks of a section of the page, for `LOGIN`."""
    _, _, section = _PAGE.partition(f"\n## {heading}\n")
    found = re.findall(r"(?:^    .*\n)+", section.partition("\n## ")[0], re.MULTILINE)
    return [dedent(block).replace("the_login_of_DATABASE_URL", LOGIN) for block in found]


ROLES_OF_INTERVIEWS, *_ = blocks_of("Row-level security of the interviews")


@dataclass
class Server:
    """One that runs. Its administrator is the superuser that made its data folder."""

    postgres: EmbeddedPostgres
    admin: Engine

    @property
    def url(self) -> str:
        """DATABASE_URL of the product."""
        url = make_url(self.postgres.url).set(username=LOGIN, password=PASSWORD)
        return url.render_as_string(hide_password=False)

    def execute(self, statements: str) -> None:
        """As its administrator, in the product's database."""
        with self.admin.begin() as connection:
            connection.execute(text(statements))

    def rows(self, query: str, **parameters: Any) -> list[Any]:
        with self.admin.connect() as connection:
            return list(connection.execute(text(query), parameters).all())

    def run(self, commands: str, folder: Path, login: str | None = None) -> str:
        """What lines of a shell print, in this folder, by the administrator or another login. Any that fails raises."""
        url = make_url(self.postgres.url)
        given = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
        if login is not None:
            given |= {"PGUSER": login, "PGPASSWORD": PASSWORD}
        env = {name: str(value) for name, value in given.items()} | {"PATH": f"{find_binaries()}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            check=False,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def schema(self, folder: Path, database: str = "welno") -> str:
        """All but the data, with owners, rights, policies and triggers."""
        return self.run(f"pg_dump --schema-only --restrict-key=compared {database}", folder)

    def roles(self, folder: Path) -> str:
        return self.run("pg_dumpall --roles-only --no-role-passwords --restrict-key=compared", folder)

    def contents(self) -> dict[str, list[str]]:
        """The rows of each table, whatever their order on disk."""
        tables = everything_in_tables(self.admin)
        return {name: sorted(rows.decode(errors="replace").split("\n")) for name, rows in tables.items()}


@contextmanager
def running_server() -> Iterator[Server]:
    """New, with an empty database."""
    with (
        TemporaryDirectory(prefix="welno-test-") as folder,
        EmbeddedPostgres(make_home(Path(folder)), fast=True) as postgres,
    ):
        server = Server(postgres, create_engine(postgres.url))
        yield server
        server.admin.dispose()


def make_product(server: Server) -> None:
    """As production begins: roles and login by an administrator, tables by the login."""
    server.execute(f"create role {LOGIN} login password '{PASSWORD}'; alter database welno owner to {LOGIN}")
    server.execute(ROLES_OF_INTERVIEWS)
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    env = {"DATABASE_URL": server.url, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    assert done.returncode == 0, done.stderr
