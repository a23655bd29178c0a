"""The migrations: one head, equal to the models, down to nothing and up again."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, inspect, text

from dev.local.postgres import EmbeddedPostgres
from dev.local.programs import ROOT
from models import SCHEMA

Environment = dict[str, str]


@pytest.fixture
def own_database(empty_postgres: EmbeddedPostgres, demo_env: Environment) -> Iterator[Environment]:
    """A database of its own on the same server: the others' tables stay."""
    admin = create_engine(empty_postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("create database migrations_test"))
    url = admin.url.set(database="migrations_test").render_as_string(hide_password=False)
    yield demo_env | {"DATABASE_URL": url}
    with admin.connect() as connection:
        connection.execute(text("drop database migrations_test with (force)"))
    admin.dispose()


def alembic(env: Environment, *arguments: str) -> str:
    command = [sys.executable, "-m", "alembic", *arguments]
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tables(env: Environment) -> set[str]:
    engine = create_engine(env["DATABASE_URL"])
    try:
        return set(inspect(engine).get_table_names(schema=SCHEMA))
    finally:
        engine.dispose()


def test_there_is_one_head(demo_env: Environment):
    assert len(alembic(demo_env, "heads").split("\n")[:-1]) == 1


def test_the_models_equal_the_migrations(own_database: Environment):
    alembic(own_database, "upgrade", "head")
    assert "No new upgrade operations detected" in alembic(own_database, "check")


def test_every_migration_goes_down_and_up_again(own_database: Environment):
    alembic(own_database, "upgrade", "head")
    before = tables(own_database)
    alembic(own_database, "downgrade", "base")
    assert tables(own_database) == set()
    alembic(own_database, "upgrade", "head")
    assert tables(own_database) == before
