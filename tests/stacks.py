"""Stacks for the tests: each starts on a migrated database, and is gone at once when nobody needs it any more."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, make_url, text

from dev.local.home import copy_home
from dev.local.postgres import EmbeddedPostgres
from dev.local.programs import ORDER, ROOT, Ports, Program, list_programs
from dev.local.stack import Stack
from tests.waiting import COMMAND_SECONDS

_NO_MIGRATIONS = ("true",)
TEMPLATE_DATABASE = "welno_template"


def make_migrated_home(home: Path) -> Path:
    """Its PostgreSQL is at rest, and its database has the schema that the migrations make."""
    with EmbeddedPostgres(home, fast=True) as server:
        env = {"DATABASE_URL": server.url, "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
    assert done.returncode == 0, done.stderr
    return home


def create_database(server: EmbeddedPostgres, name: str, template: str = TEMPLATE_DATABASE) -> str:
    """A copy of the template, to which nobody may be connected meanwhile. Gives its address."""
    url = make_url(server.url)
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def copied_home(migrated: Path) -> Iterator[Path]:
    """For as long as the block runs."""
    with TemporaryDirectory(prefix="welno-test-") as folder:
        copy_home(migrated, Path(folder))
        yield Path(folder)


def with_settings(program: Program, **settings: object) -> Program:
    """The same, given these beside those of its stack."""
    given = (f"{name}={value}" for name, value in settings.items())
    return replace(program, command=("env", *given, *program.command))


def start_with(stack: Stack, names: Sequence[str], **settings: object) -> None:
    """These programs of a stack that runs, given settings of their own; they may not be ready yet."""
    programs = list_programs(stack.home, stack.ports)
    for name in names:
        stack.add(with_settings(programs[name], **settings))
        stack.start(name)


@contextmanager
def run_stack(
    migrated: Path,
    settings: Mapping[str, str],
    processes: Sequence[str] = ORDER,
    adapt: Callable[[dict[str, Program]], dict[str, Program]] = dict,
    *,
    migrations: Sequence[str] = _NO_MIGRATIONS,
    fast: bool = True,
) -> Iterator[Stack]:
    """On a copy of a migrated home. `adapt` may change the programs. How the product stops has tests of its own."""
    with copied_home(migrated) as home:
        ports = Ports.picked()
        programs = adapt(list_programs(home, ports))
        stack = Stack(home, ports, settings, processes, programs=programs, migrations=migrations, fast=fast)
        try:
            stack.start_all()
            yield stack
        finally:
            stack.kill_all()
