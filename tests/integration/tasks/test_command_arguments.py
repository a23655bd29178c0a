"""The operators' commands tell in one sentence what is wrong with an argument or a store, and what they did."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from dev.local.programs import ROOT
from tests.integration.commands import run_command

_ENDED_RUN = """
    insert into welno.welno_collection_history
        (session_id, request_id, status, step, run_state, not_before, hospital_id, partner_id, masked_name, expires_at)
    select :id, 'r-1', 'completed', 'finish', 'ended', now(), min(hospital_id), 'welno', '김*늘', now()
    from welno.welno_hospitals
"""
_STATED = ("--by=me", "--reason=a test of it")


@pytest.fixture
def env(engine: Engine, demo_env: dict[str, str], postgres_url: str) -> dict[str, str]:
    del engine  # which has made the tables
    return demo_env | {"DATABASE_URL": postgres_url}


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("tasks.runs", "list", "--limit=-1"), "must be a whole number from 1 to 10000"),
        (("tasks.runs", "list", "--limit=99999999999999999999"), "must be a whole number from 1 to 10000"),
        (("tasks.webhooks", "log", "--limit=0"), "must be a whole number from 1 to 10000"),
        (("tasks.access_log", "check", "--day=yesterday"), "must be a day such as 2026-11-26"),
        (("tasks.sign_out", "nobody", *_STATED), "must be an id (a UUID), or a pseudonym of 32 characters"),
    ],
)
def test_a_wrong_argument_is_told_in_a_sentence(env: dict[str, str], command: tuple[str, ...], complaint: str):
    done = run_command(*command, env=env)
    assert done.status == 2
    assert done.errors.rstrip().endswith(complaint)
    assert "Traceback" not in done.errors


def list_commands() -> Iterator[str]:
    """The modules that an operator starts with arguments."""
    for path in sorted((ROOT / "tasks").rglob("*.py")):
        if "ArgumentParser(" in path.read_text():
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")


@pytest.mark.parametrize("command", list(list_commands()))
def test_a_command_tells_of_its_arguments_where_nothing_is_set(command: str):
    told = run_command(command, "--help", env={})
    assert (told.status, told.errors) == (0, "")
    assert told.output.startswith(f"usage: python -m {command} ")
    assert run_command(command, "--no-such-option", env={}).status == 2


def test_to_cancel_what_had_ended_says_how_it_ended(engine: Engine, env: dict[str, str]):
    session_id = uuid4()
    with engine.begin() as connection:
        connection.execute(text(_ENDED_RUN), {"id": session_id})
    done = run_command("tasks.runs", "cancel", str(session_id), env=env)
    assert (done.status, done.output.split(" before")[0]) == (0, "had ended as completed")


def written_commands() -> Iterator[str]:
    """What the documents say of starting an erasure, whole as it stands there."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        yield from re.findall(r"`python -m (tasks\.erasures start [^`]*)`", page.read_text())


@pytest.mark.parametrize("written", sorted(set(written_commands())))
def test_an_erasure_as_the_documents_write_it_is_understood(env: dict[str, str], written: str):
    stated = {"UUID": str(uuid4()), "YOU": "me", "WHY": "asked by letter"}
    done = run_command(*(stated.get(word, word) for word in shlex.split(written)), env=env)
    assert (done.status, done.errors) == (1, "no such patient\n")


@pytest.mark.parametrize(
    "command",
    [
        ("tasks.access_log", "check"),
        ("tasks.runs", "list"),
        ("tasks.events", "epoch"),
        ("tasks.keys", "count"),
        ("tasks.journey.health",),
        ("flask", "--app=webapp", "check-state-health"),
    ],
)
def test_a_database_that_is_away_is_told_in_a_sentence(demo_env: dict[str, str], command: tuple[str, ...]):
    away = demo_env | {"DATABASE_URL": "postgresql://welno:invented@127.0.0.1:1/welno"}
    done = run_command(*command, env=away)
    assert (done.status, done.output) == (3, "")
    assert done.errors.startswith("PostgreSQL cannot be used now: connection to server at ")
    assert done.errors.count("\n") == 1


def test_the_health_check_of_flask_needs_no_current_folder(tmp_path: Path, demo_env: dict[str, str]):
    (tmp_path / "tasks.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run(
        [sys.executable, "-m", "flask", f"--app={ROOT / 'webapp'}", "check-state-health"],
        cwd=tmp_path,
        env=demo_env | {"DATABASE_URL": "postgresql://welno:invented@127.0.0.1:1/welno"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("PostgreSQL cannot be used now: ")
