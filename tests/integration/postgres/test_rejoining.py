"""The primary of before: it is not let start beside its successor, and becomes its standby."""

import os
import subprocess
from contextlib import closing

import psycopg2
import pytest

from core.settings.addresses import read_database_url
from dev.local.ports import pick_port
from dev.local.postgres import find_binaries
from dev.local.programs import ROOT
from services.failover import Failover, FailoverError
from tests.integration.postgres.command import failover
from tests.postgres_pair import Node, PostgresPair
from tests.waiting import wait_until

GUARD = ROOT / "docs" / "deploy" / "postgresql" / "refuse-old-primary"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def may_start(node: Node, other: Node, port: int | None = None) -> tuple[int, str]:
    """What the guard says of it, asking the other at its port or at another one."""
    env = {"PATH": f"{find_binaries()}:{os.environ['PATH']}"}
    done = subprocess.run(
        [GUARD, node.data, other.conninfo(port)], check=False, env=env, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def promote(pair: PostgresPair, *arguments: str) -> None:
    ended = failover(pair, "promote", *arguments)
    assert ended.status == 0, ended.errors


def test_it_does_not_start_beside_its_successor(pair: PostgresPair):
    assert may_start(pair.primary, pair.replica) == may_start(pair.replica, pair.primary) == (0, "")
    pair.primary.server.kill()
    pair.replica.promote()
    status, why = may_start(pair.primary, pair.replica)
    assert (status, "takes writes on timeline 2, this one stopped on 1" in why) == (1, True)
    assert may_start(pair.replica, pair.primary)[0] == 0  # also after both were down


def test_where_the_other_does_not_answer_it_starts_and_says_so(pair: PostgresPair):
    status, why = may_start(pair.primary, pair.replica, pick_port())
    assert (status, "does not answer; this one starts" in why) == (0, True)


def test_the_successor_starts_beside_a_primary_that_came_back_unguarded(pair: PostgresPair):
    pair.primary.server.kill()
    pair.replica.promote()
    pair.replica.ask("checkpoint")
    pair.primary.server.start()
    assert may_start(pair.replica, pair.primary) == (0, "")
    assert may_start(pair.primary, pair.replica)[0] == 1


def test_it_is_rewound_to_its_successor_and_takes_over_again(pair: PostgresPair):
    first, second = pair.primary, pair.replica
    first.ask("create table public.kept as select 1 as number")
    wait_until(lambda: second.ask("select to_regclass('public.kept') is not null"))
    pair.cut_link()
    first.ask("create table public.lost (number int)")
    first.server.kill()
    wait_until(lambda: not second.ask("select count(*) from pg_stat_wal_receiver where status = 'streaming'"))
    promote(pair)
    second.add_slot()
    first.rewind_to(second)
    first.server.start()
    wait_until(lambda: second.count_standbys() == 1, 30)
    assert may_start(first, second) == (0, "")
    assert first.ask("select pg_is_in_recovery()")
    assert first.ask("select to_regclass('public.lost') is null and to_regclass('public.kept') is not null")
    pair.primary, pair.replica = second, first
    promote(pair, "--switch-over")
    assert not first.ask("select pg_is_in_recovery()")
    assert first.ask("show default_transaction_read_only") == "off"


def test_a_standby_that_does_not_catch_up_is_not_switched_over_to(pair: PostgresPair):
    pair.cut_link()
    pair.primary.ask("create table public.behind (number int)")
    patient = Failover(read_database_url(pair.url), settle_seconds=2)
    with pytest.raises(FailoverError, match="does not catch up"):
        patient.promote(switch_over=True)
    assert pair.replica.ask("select pg_is_in_recovery()")
    for node in (pair.primary, pair.replica):
        assert node.ask("show default_transaction_read_only") == "off"


def test_the_login_of_the_handbook_may_promote(pair: PostgresPair):
    grants = OPERATIONS[OPERATIONS.index("    create role welno_operator") :].partition("\n\n")[0]
    pair.primary.ask(grants)
    pair.catch_up()
    with closing(psycopg2.connect(pair.primary.conninfo())):
        ended = failover(pair, "promote", "--switch-over", login="welno_operator")
        # It ends no superuser's session: nothing is begun.
        assert (ended.status, "a superuser is signed in (" in ended.errors) == (1, True), ended.errors
        assert pair.primary.ask("show default_transaction_read_only") == "off"
    ended = failover(pair, "promote", "--switch-over", login="welno_operator")
    assert (ended.status, ended.errors) == (0, "")
    assert not pair.replica.ask("select pg_is_in_recovery()")


def test_a_login_that_may_not_is_told_so_in_one_sentence(pair: PostgresPair):
    pair.primary.ask("create role visitor login password 'invented'")
    pair.catch_up()
    ended = failover(pair, "promote", "--switch-over", login="visitor")
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert "lacks execute on pg_promote, " in ended.errors
    assert ended.errors.endswith("; nothing was changed\n")
