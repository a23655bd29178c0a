"""The embedded PostgreSQL: durable, private, recovering, and no root."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg2
import pytest

from dev.local.errors import StartFailedError
from dev.local.postgres import EmbeddedPostgres, choose_user
from dev.local.programs import ROOT
from tests.waiting import COMMAND_SECONDS, wait_until

# Root without the two capabilities that open closed folders, as in a hardened container.
DROP_CAPABILITIES = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
START = """
import pathlib, sys
from dev.local.postgres import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()
"""


def query(server, statement, *values):
    connection = psycopg2.connect(server.url.replace("+psycopg2", ""))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture
def server(used_home):
    with EmbeddedPostgres(used_home) as server:
        yield server


def test_database_speaks_utf8_and_folds_alike_everywhere(server):
    assert query(server, "SHOW server_encoding") == [("UTF8",)]
    assert query(server, "SELECT lower('ÄÖ가')") == [("äö가",)]
    assert query(server, "SHOW fsync") == [("on",)]


def test_data_outlive_a_crash(server):
    query(server, "CREATE TABLE kept AS SELECT 7 AS number")
    url = server.url
    server.kill()
    server.start()
    assert server.url == url
    assert query(server, "SELECT number FROM kept") == [(7,)]


def test_data_outlive_an_immediate_stop_and_a_new_object(server, home):
    query(server, "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop(immediate=True)
    with EmbeddedPostgres(home) as successor:
        assert query(successor, "SELECT number FROM kept") == [(7,)]


def test_stale_pid_file_with_a_reused_number_is_forgotten(server, home):
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    content = pid_file.read_text().splitlines()
    server.stop()
    stranger = next(process.pid for process in psutil.process_iter() if process.pid not in (os.getpid(), os.getppid()))
    pid_file.write_text("\n".join([str(stranger), *content[1:]]))
    server.start()
    assert query(server, "SELECT 1") == [(1,)]


def test_wrong_password_is_refused(server):
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host="127.0.0.1", port=server.port, user="welno", password="wrong", dbname="welno")


def test_secrets_and_logs_are_for_the_owner_alone(server, home):
    files = [*(home / "secrets").iterdir(), *(home / "logs").iterdir()]
    assert len(files) == 2
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert not (home / "postgres" / "password").exists()


def test_stopped_server_leaves_no_process(server):
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.stop()
    assert not [process for process in family if process.is_running()]


def test_backends_of_a_killed_server_vanish(server):
    family = psutil.Process(server.pid).children(recursive=True)
    server.kill()
    wait_until(lambda: not [process for process in family if process.is_running()])


def test_torn_first_start_is_made_good(home):
    (home / "postgres" / "data.new").mkdir(parents=True)
    (home / "postgres" / "data.new" / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(home) as server:
        assert query(server, "SELECT 1") == [(1,)]


def test_damaged_data_end_with_the_log_in_the_error(used_home):
    with EmbeddedPostgres(used_home, fast=True) as server:
        server.stop()
        shutil.rmtree(used_home / "postgres" / "data" / "global")
        with pytest.raises(StartFailedError, match="global"):
            server.start()


@pytest.mark.usefixtures("needs_root")
def test_root_runs_it_below_a_closed_folder():
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix="welno-test-") as closed:
        Path(closed).chmod(0o700)
        with EmbeddedPostgres(Path(closed) / "home", fast=True) as server:
            assert query(server, "SELECT 1") == [(1,)]
            assert psutil.Process(server.pid).uids().effective != 0


@pytest.mark.usefixtures("needs_root")
def test_owner_of_the_home_runs_it_when_that_is_not_root(home):
    home.mkdir(parents=True)
    os.chown(home, 1, 1)
    user = choose_user(home, home)
    assert user is not None
    assert user.uid == 1


@pytest.mark.usefixtures("needs_root")
def test_unreachable_home_is_named_with_its_remedy():
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix="welno-test-") as closed:
        command = [sys.executable, "-c", DROP_CAPABILITIES, sys.executable, "-c", START, f"{closed}/home"]
        done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    assert done.returncode == 1
    assert "HomeUnreachableError" in done.stderr
    assert "set WELNO_HOME to a folder that every user can enter" in done.stderr
