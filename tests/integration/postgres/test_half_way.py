"""A promotion that is cut short, refused or held up leaves a server that takes writes, or is finished later."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest

from core.settings.addresses import read_database_url
from dev.local.programs import ROOT
from services.failover import Failover, FailoverError
from tests.integration.commands import Ended
from tests.integration.postgres.command import failover
from tests.postgres_pair import Node, PostgresPair
from tests.waiting import COMMAND_SECONDS, wait_until

FENCE = "default_transaction_read_only"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
GRANTS = OPERATIONS[OPERATIONS.index("    create role welno_operator") :].partition("\n\n")[0]


def takes_writes(node: Node) -> bool:
    return not node.ask("select pg_is_in_recovery()") and node.ask(f"show {FENCE}") == "off"


def assert_untouched(pair: PostgresPair) -> None:
    assert takes_writes(pair.primary)
    assert pair.replica.ask("select pg_is_in_recovery()")
    assert pair.replica.ask(f"show {FENCE}") == "off"


@contextmanager
def stopped(process_id: int) -> Iterator[None]:
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


def test_a_session_that_does_not_end_is_not_left_behind(pair: PostgresPair):
    """It could still commit, and be told so, what the standby never gets."""
    with closing(psycopg2.connect(pair.primary.conninfo())) as connection, connection.cursor() as cursor:
        cursor.execute("create table public.late (number int)")
        with stopped(connection.info.backend_pid):
            with pytest.raises(FailoverError, match=r"does not end at .*; .* takes writes again"):
                Failover(read_database_url(pair.url), settle_seconds=2).promote(switch_over=True)
            assert_untouched(pair)


def test_a_switch_over_that_fails_after_one_that_was_cut_lets_nobody_write(pair: PostgresPair):
    """The standby may have been told to promote itself, and beside it the primary must not take writes."""
    pair.replica.set(FENCE, "on")
    with closing(psycopg2.connect(pair.primary.conninfo())) as connection, stopped(connection.info.backend_pid):
        with pytest.raises(FailoverError, match=r"does not end at .*; nobody takes writes: call this again"):
            Failover(read_database_url(pair.url), settle_seconds=2).promote(switch_over=True)
        assert [node.ask(f"show {FENCE}") for node in (pair.primary, pair.replica)] == ["on", "on"]
    assert failover(pair, "promote", "--switch-over").status == 0
    assert takes_writes(pair.replica)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_a_switch_over_that_is_interrupted_gives_the_primary_back(pair: PostgresPair, sent: signal.Signals):
    pair.cut_link()
    pair.primary.ask("create table public.behind (number int)")
    with begun(pair, "promote", "--switch-over") as running:
        wait_until(lambda: pair.primary.ask(f"show {FENCE}") == "on", 30)
        running.send_signal(sent)
        _, errors = running.communicate(timeout=COMMAND_SECONDS)
    assert running.returncode == 1
    assert errors.startswith(b"failover: interrupted; ")
    assert_untouched(pair)


def test_a_promotion_that_is_interrupted_before_its_epoch_lets_nobody_write_and_is_finished(pair: PostgresPair):
    pair.primary.server.kill()
    pair.replica.set(FENCE, "on")
    pair.replica.promote()
    with begun(pair, "promote") as running:
        with closing(psycopg2.connect(pair.replica.conninfo())) as connection, connection.cursor() as cursor:
            cursor.execute("set transaction read write")
            cursor.execute("select epoch from welno.welno_epoch for update")
            wait_until(lambda: pair.replica.ask("select count(*) from pg_locks where not granted"), 30)
            running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=COMMAND_SECONDS)
    assert (running.returncode, errors.partition(b";")[0]) == (1, b"failover: interrupted")
    assert not takes_writes(pair.replica)
    ended = failover(pair, "promote")
    assert (ended.status, takes_writes(pair.replica)) == (0, True)


@contextmanager
def begun(pair: PostgresPair, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command, while it runs."""
    env = {"DATABASE_URL": pair.url, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "tasks.failover", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE) as running:
        yield running


def test_a_switch_over_that_was_cut_after_the_primary_was_made_read_only_is_finished(pair: PostgresPair):
    pair.primary.set(FENCE, "on")
    ended = failover(pair, "promote", "--switch-over")
    assert (ended.status, ended.errors) == (0, "")
    assert takes_writes(pair.replica)
    assert not takes_writes(pair.primary)


def test_a_promotion_that_was_cut_after_its_epoch_is_finished_in_another(pair: PostgresPair):
    pair.primary.server.kill()
    first = failover(pair, "promote")
    pair.replica.set(FENCE, "on")
    second = failover(pair, "promote")
    assert (first.status, second.status) == (0, 0)
    assert second.output.split()[-1] > first.output.split()[-1]
    assert takes_writes(pair.replica)


@pytest.mark.parametrize(
    ("revoked", "told"),
    [
        ("revoke execute on function pg_promote(boolean, integer) from welno_operator", "execute on pg_promote"),
        ("revoke update on welno.welno_epoch from welno_operator", "update on welno.welno_epoch"),
        ("revoke usage on schema welno from welno_operator", "usage on schema welno"),
        ("revoke pg_signal_backend from welno_operator", "pg_signal_backend"),
        (f"revoke alter system on parameter {FENCE} from welno_operator", f"alter system on {FENCE}"),
    ],
)
def test_a_right_that_is_missing_is_named_before_anything_is_touched(pair: PostgresPair, revoked: str, told: str):
    pair.primary.ask(GRANTS)
    pair.primary.ask(revoked)
    pair.catch_up()
    ended = failover(pair, "promote", "--switch-over", login="welno_operator")
    assert ended.status == 1
    assert ended.errors == f"failover: {pair.replica.address}: this login lacks {told}; nothing was changed\n"
    assert_untouched(pair)


def test_a_primary_that_refuses_the_login_is_not_taken_for_dead_and_says_why(pair: PostgresPair):
    rules = pair.primary.data / "pg_hba.conf"
    before = rules.read_text("utf-8")
    rules.write_text(f"host all all 127.0.0.1/32 reject\n{before}", "utf-8")
    pair.primary.ask("select pg_reload_conf()")
    for command in ("promote", "status"):
        wait_until(lambda: "pg_hba" in told(failover(pair, command)), 30)  # noqa: B023 asked at once
    ended = failover(pair, "promote")
    rules.write_text(before, "utf-8")
    assert ended.errors.startswith(f"failover: {pair.primary.address} listens and does not answer; let this login in ")
    assert pair.replica.ask("select pg_is_in_recovery()")


def told(ended: Ended) -> str:
    return ended.output + ended.errors
