"""That the two servers of these tests are what they are taken for: a primary and its streaming replica."""

import threading

import psycopg2
import pytest

from tests.postgres_pair import PostgresPair
from tests.waiting import wait_until


def test_a_replica_has_what_the_primary_has_and_takes_no_writes(pair: PostgresPair):
    pair.primary.ask("create table public.seen as select 7 as number")
    wait_until(lambda: pair.replica.ask("select to_regclass('public.seen') is not null"))
    assert pair.replica.ask("select number from public.seen") == 7
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        pair.replica.ask("create table public.own (number int)")


def test_a_synchronous_commit_waits_for_the_replica_whatever_time_its_statements_have(pair: PostgresPair):
    pair.be_synchronous()
    pair.link.silence()
    acknowledged = threading.Event()

    def write() -> None:
        pair.primary.ask("set statement_timeout = '300ms'; create table public.waits (number int)")
        acknowledged.set()

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: pair.primary.ask("select count(*) from pg_stat_activity where wait_event = 'SyncRep'") == 1)
    assert not acknowledged.wait(1)
    pair.primary.set("synchronous_standby_names", "")
    writer.join(10)
    assert acknowledged.is_set()
