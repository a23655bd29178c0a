"""The primary is lost or left under load, its standby is promoted by the operators' command, and clients find it."""

import re
import signal
import sys
import time
from collections.abc import Iterator
from textwrap import dedent

import pytest
import redis
from sqlalchemy.exc import OperationalError

from dev.local.ports import pick_port
from dev.local.postgres_node import STANDBY
from dev.local.programs import ROOT
from tests.integration.commands import run_command
from tests.integration.postgres.command import failover
from tests.integration.postgres.writers import Writers, writers_on
from tests.postgres_pair import PostgresPair
from tests.waiting import wait_until

# The block of indented lines that docs/operations.md gives.
_, _, _after = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("By hand, on the standby's host")
BY_HAND = dedent(_after.split("\n\n")[1])


@pytest.fixture
def writers(pair: PostgresPair, redis_client: redis.Redis) -> Iterator[Writers]:
    with writers_on(pair.url, redis_client) as writers:
        yield writers


def promote(pair: PostgresPair, *arguments: str) -> str:
    """As an operator does who was woken. Gives the new epoch."""
    ended = failover(pair, "promote", *arguments)
    assert ended.status == 0, ended.errors
    assert ended.output.startswith(f"{pair.replica.address} takes writes, in the new epoch ")
    return ended.output.split()[-1]


def lose_primary(pair: PostgresPair) -> None:
    pair.primary.server.kill()
    wait_until(lambda: not pair.replica.ask("select count(*) from pg_stat_wal_receiver where status = 'streaming'"))


def test_nothing_acknowledged_is_lost_with_synchronous_commit(pair: PostgresPair, writers: Writers):
    pair.be_synchronous()
    pair.replica.set("synchronous_standby_names", STANDBY)  # as both configurations are alike
    with writers.at_work():
        writers.wait_for_more()
        lost_at = time.monotonic()
        lose_primary(pair)
        epoch = promote(pair)
        wait_until(lambda: writers.acknowledged[-1].epoch == epoch, 60)
        away_seconds = time.monotonic() - lost_at
        writers.wait_for_more()
    told = f"{len(writers.acknowledged)} acknowledged, {writers.refused} refused"
    sys.stdout.write(f"{told}, writes again after {away_seconds:.1f} s\n")
    assert writers.find_lost() == []
    assert writers.find_doubled() == set()
    for numbers in writers.logged().values():
        assert sorted(numbers) == [*range(1, len(numbers) + 1)]


def test_without_it_what_the_replica_lacks_is_lost_and_its_numbers_come_again_in_a_new_epoch_only(
    pair: PostgresPair, writers: Writers
):
    with writers.at_work():
        writers.wait_for_more()
        pair.cut_link()
        writers.wait_for_more()
        reader = writers.acknowledged[-1]
        lose_primary(pair)
        epoch = promote(pair)
        writers.wait_for_more()
    lost = writers.find_lost()
    sys.stdout.write(f"{len(lost)} of {len(writers.acknowledged)} lost\n")
    assert reader in lost
    assert {one.epoch for one in lost} == {reader.epoch}
    assert writers.find_doubled() == set()
    page = writers.log.reader.read_after(reader.subject, reader.seq, reader.epoch)
    assert (page.gone, page.position.epoch, page.events) == (True, epoch, [])
    again = writers.log.reader.read_after(reader.subject, 0, epoch).events
    assert [event.seq for event in again] == [*range(1, len(again) + 1)]


def test_who_is_cut_off_with_the_primary_gets_nothing_acknowledged_with_synchronous_commit(
    pair: PostgresPair, redis_client: redis.Redis
):
    """Its standby was promoted by those who are on the other side; they have everything that was acknowledged."""
    pair.be_synchronous()
    with writers_on(pair.url_for(pair.primary), redis_client) as inside, inside.at_work():
        inside.wait_for_more()
        pair.link.silence()
        pair.replica.promote()
        waiting = "select count(*) > 0 from pg_stat_activity where wait_event = 'SyncRep'"
        wait_until(lambda: pair.primary.ask(waiting))
        acknowledged, refused = len(inside.acknowledged), inside.refused
        pair.primary.server.stop(immediate=True)  # as by its power, before the network is whole again
        wait_until(lambda: inside.refused > refused)
    assert len(inside.acknowledged) == acknowledged
    with writers_on(pair.url_for(pair.replica), redis_client) as outside:
        outside.acknowledged = inside.acknowledged
        assert outside.find_lost() == []


def test_a_primary_that_answers_is_not_left_unless_it_is_asked_for(pair: PostgresPair):
    ended = failover(pair, "promote")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors.startswith(f"failover: {pair.primary.address} takes writes; ")
    assert pair.replica.ask("select pg_is_in_recovery()")
    assert pair.replica.ask("show default_transaction_read_only") == "off"
    told = failover(pair, "status")
    primary, standby = told.output.splitlines()
    assert told.status == 0
    assert primary.startswith(f"{pair.primary.address}  primary  timeline 1  ")
    assert re.fullmatch(rf"{pair.replica.address}  standby  timeline 1  \d+ bytes behind  hears \S+Z", standby)


def test_a_primary_that_hangs_is_not_left_unless_by_force(pair: PostgresPair):
    pair.primary.server.process.send(signal.SIGSTOP)
    ended = failover(pair, "promote")
    pair.primary.server.process.send(signal.SIGCONT)
    assert ended.status == 1
    assert ended.errors.startswith(f"failover: {pair.primary.address} listens and does not answer; ")
    assert pair.replica.ask("select pg_is_in_recovery()")


def test_a_primary_that_only_the_standby_hears_is_not_left_unless_by_force(pair: PostgresPair):
    """As from a host that is cut off from the primary, by an address that leads nowhere."""
    elsewhere = pair.url.replace(pair.primary.address, f"127.0.0.1:{pick_port()}")
    ended = run_command("tasks.failover", "promote", env={"DATABASE_URL": elsewhere})
    assert ended.status == 1
    assert ended.errors.startswith(f"failover: {pair.replica.address} still hears a primary, ")


def test_a_switch_over_loses_nothing_without_synchronous_commit_and_shuts_the_primary_of_before(
    pair: PostgresPair, writers: Writers
):
    with writers.at_work():
        writers.wait_for_more()
        epoch = promote(pair, "--switch-over")
        wait_until(lambda: writers.acknowledged[-1].epoch == epoch, 60)
        writers.wait_for_more()
    assert writers.find_lost() == []
    assert writers.find_doubled() == set()
    pair.primary.server.restart()
    assert pair.primary.ask("show default_transaction_read_only") == "on"
    with writers_on(pair.url, writers.log.redis) as later:
        later.write(0, 1)
        assert later.acknowledged[-1].epoch == epoch
    assert failover(pair, "status").output.splitlines()[0].startswith(f"{pair.primary.address}  primary, read only  ")


def test_a_promotion_that_was_cut_short_lets_nobody_write_and_is_finished(pair: PostgresPair, writers: Writers):
    writers.write(0, 1)
    lose_primary(pair)
    pair.replica.set("default_transaction_read_only", "on")
    pair.replica.promote()
    with pytest.raises(OperationalError):
        writers.write(0, 2)
    assert failover(pair, "status").status == 1
    epoch = promote(pair)
    writers.write(0, 3)
    assert [one.epoch == epoch for one in writers.acknowledged] == [False, True]


def test_by_hand_as_the_handbook_says_it_is_the_same(pair: PostgresPair, writers: Writers):
    pair.be_synchronous()
    pair.replica.set("synchronous_standby_names", STANDBY)  # as both configurations are alike
    with writers.at_work():
        writers.wait_for_more()
        before = writers.acknowledged[-1].epoch
        lose_primary(pair)
        pair.replica.run_script(BY_HAND.replace("/var/lib/postgresql/18/main", str(pair.replica.data)))
        wait_until(lambda: writers.acknowledged[-1].epoch != before, 60)
        writers.wait_for_more()
    assert writers.acknowledged[-1].epoch > before
    assert writers.find_lost() == []
    assert writers.find_doubled() == set()


def test_promoted_by_hand_a_replica_gives_numbers_again_until_there_is_a_new_epoch(
    pair: PostgresPair, writers: Writers, demo_env: dict[str, str]
):
    """Why docs/operations.md shuts it first."""
    pair.cut_link()
    writers.write(0, 1)
    lose_primary(pair)
    pair.replica.promote()
    writers.write(0, 2)
    assert writers.find_doubled() != set()
    ended = run_command("tasks.events", "new-epoch", env=demo_env | {"DATABASE_URL": pair.url})
    assert ended.status == 0
    lost, _ = writers.acknowledged
    wait_until(lambda: writers.log.reader.read_after(lost.subject, lost.seq, lost.epoch).gone)
