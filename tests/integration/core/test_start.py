"""Every process refuses wrong settings in one sentence: no traceback, exit status 1."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from dev.local.programs import ROOT
from tests.unit.guards.test_names import ENVIRONMENT
from tests.waiting import COMMAND_SECONDS

WRONG = {"WELNO_FOO": "1", "WELNO_SEALING_KEYS": "k:no key"}
COMMANDS = {
    "web": ("gunicorn", "-c", "webapp/gunicorn_conf.py", "--bind", "127.0.0.1:0", "webapp:create_app()"),
    "worker": ("celery", "-A", "tasks.app", "worker"),
    "beat": ("celery", "-A", "tasks.app", "beat"),
    "flower": ("tasks.processes.flower",),
    "poller": ("tasks.processes.poller",),
    "sweeper": ("tasks.processes.sweeper",),
    "runs": ("tasks.runs", "list"),
    "accounts": ("tasks.accounts", "disable", "somebody"),
    "events": ("tasks.events", "epoch"),
    "keys": ("tasks.keys", "count"),
    "move_files": ("tasks.move_files",),
    "webhooks": ("tasks.webhooks", "list"),
    "staff token": ("webapp.staff_token", "--name", "op-1"),
    "file": ("tasks.show_file", "some-file", "--by", "op-1", "--reason", "a test"),
}


def start(command: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env}
    return subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def started() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """All at once: each spends its time on imports."""
    processes = {name: start(command, ENVIRONMENT | WRONG) for name, command in COMMANDS.items()}
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_settings_stop_a_process_with_one_sentence(started: dict[str, subprocess.Popen[str]], name: str):
    told, complaint = started[name].communicate(timeout=COMMAND_SECONDS)
    assert (started[name].returncode, told) == (1, "")
    assert complaint.startswith("settings: WELNO_FOO: unknown setting; WELNO_SEALING_KEYS: ")
    assert complaint.count("\n") == 1


def test_the_migrations_refuse_what_is_unknown():
    process = start(("alembic", "current"), {"WELNO_FOO": "1"})
    _, complaint = process.communicate(timeout=COMMAND_SECONDS)
    assert (process.returncode, complaint.count("\n")) == (1, 1)
    assert complaint.startswith("settings: WELNO_FOO: unknown setting; DATABASE_URL: ")


def test_the_migrations_find_the_database_by_a_file_alone(engine: Engine, tmp_path):
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    (tmp_path / "url").write_text(url + "\n", encoding="utf-8")
    process = start(("alembic", "current"), {"DATABASE_URL_FILE": str(tmp_path / "url")})
    told, complaint = process.communicate(timeout=COMMAND_SECONDS)
    with engine.connect() as connection:
        revision = connection.execute(text("select version_num from public.alembic_version")).scalar_one()
    assert process.returncode == 0, complaint
    assert revision in told
