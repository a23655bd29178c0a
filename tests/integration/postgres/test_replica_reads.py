"""Records and the auditors' list are read from a real streaming replica, and never what they must not be."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import redis
from flask import Flask
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from core.clock import clock
from core.settings import Settings
from core.settings.addresses import read_replica_url
from dev.local.programs import ROOT
from models.patients import Checkup, MediarcReport, Prescription
from services.replica import PAUSE_SECONDS, WITHIN_SECONDS
from tests.integration.services.conftest import checkup, treatment
from tests.integration.webapp.people import API, ORIGIN, Person, arrive, collect
from tests.postgres_pair import Node, PostgresPair
from tests.waiting import wait_until
from webapp import create_app
from webapp.auth import Role
from webapp.current import parts
from webapp.replica_reads import AS_OF_HEADER
from webapp.staff_token import make_token

KINDS = {"checkups": Checkup, "prescriptions": Prescription, "report": MediarcReport}
# Besides the reads of this process, on a machine that is busy.
SLACK_SECONDS = 2
# A web process' way: libpq does not block, and heeds no time-out.
COOPERATIVE = """
from gevent import monkey; monkey.patch_all()
from psycogreen.gevent import patch_psycopg; patch_psycopg()
import sys, time
from core.clock import clock
from services.database import connect_replica
from services.replica import Replica, ReplicaUnused
replica = Replica(connect_replica(sys.argv[1], 1), clock, 600)
for _ in range(2):
    began = time.monotonic()
    try:
        outcome, _ = replica.read(lambda session: "read")
    except ReplicaUnused as exc:
        outcome = exc.reason.value
    print(outcome, time.monotonic() - began, file=sys.stderr)
"""


@pytest.fixture
def replica_url(pair: PostgresPair) -> str:
    return pair.replica.server.url


@pytest.fixture
def max_lag() -> str:
    return "600"  # this machine may be busy, and nobody commits while a test waits


@pytest.fixture
def app(
    pair: PostgresPair,
    replica_url: str,
    max_lag: str,
    demo_env: dict[str, str],
    redis_client: redis.Redis,
    tmp_path: Path,
) -> Iterator[Flask]:
    stores = {"DATABASE_URL": pair.primary.server.url, "DATABASE_REPLICA_URL": replica_url}
    changes = {
        "WELNO_REPLICA_MAX_LAG_SECONDS": max_lag,
        "TILKO_DATA_DIR": str(tmp_path / "spool"),
        "WELNO_ALLOWED_ORIGINS": ORIGIN,
        "WELNO_FLOWER_ORIGINS": "",
    }
    made = create_app(Settings.read({**demo_env, **stores, **changes}))
    parts(made).spool.ensure_folders()
    yield made
    parts(made).close()


@pytest.fixture
def owner(app: Flask) -> Person:
    """Has collected two checkups and a treatment."""
    person = arrive(app)
    collect(app, person, [checkup(), checkup("2024년", "03/02")], [treatment()])
    return person


def read(person: Person, kind: str = "checkups") -> TestResponse:
    answer = person.ask("GET", f"/patients/{person.patient_uuid}/{kind}")
    assert answer.status_code == 200, answer.text
    return answer


def is_from_replica(person: Person, kind: str = "checkups") -> bool:
    return AS_OF_HEADER in read(person, kind).headers


def days(answer: TestResponse) -> list[str]:
    return [item["checkup_date"] for item in answer.json["items"]]


def count_reads(outcome: str) -> float:
    return REGISTRY.get_sample_value("welno_replica_reads_total", {"outcome": outcome}) or 0


def last_statements(node: Node) -> str:
    """Of the connections that the product keeps there."""
    found = node.ask("select string_agg(query, ';') from pg_stat_activity where application_name = 'welno'")
    return str(found)


def seconds_of(person: Person) -> float:
    began = time.monotonic()
    read(person)
    return time.monotonic() - began


@contextmanager
def paused_replay(pair: PostgresPair) -> Iterator[None]:
    """The replica hears the primary, and does nothing with it."""
    pair.replica.ask("select pg_wal_replay_pause()")
    wait_until(lambda: pair.replica.ask("select pg_get_wal_replay_pause_state()") == "paused")
    yield
    pair.replica.ask("select pg_wal_replay_resume()")


@contextmanager
def hanging(node: Node) -> Iterator[None]:
    """It holds its connections, takes new ones, and answers on none."""
    own = "select string_agg(pid::text, ' ') from pg_stat_activity where application_name = 'welno'"
    stopped = [int(pid) for pid in (node.ask(own) or "").split()]
    stopped.append(int(node.server.pid or 0))
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_records_are_read_from_the_replica_which_is_told(pair: PostgresPair, owner: Person):
    began = clock.now()
    for kind, table in KINDS.items():
        wait_until(partial(is_from_replica, owner, kind))
        as_of = datetime.fromisoformat(read(owner, kind).headers[AS_OF_HEADER])
        assert began - timedelta(minutes=5) < as_of <= clock.now()
        assert table.__tablename__ in last_statements(pair.replica)


def test_each_look_is_written_down_by_the_primary(owner: Person):
    wait_until(lambda: is_from_replica(owner))
    items = owner.ask("GET", f"/patients/{owner.patient_uuid}/access-log").json["items"]
    assert {item["action"] for item in items} == {"checkups"}


def test_the_replica_and_the_primary_answer_alike(pair: PostgresPair, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    of_replica = read(owner)
    pair.replica.server.kill()
    of_primary = read(owner)
    assert AS_OF_HEADER not in of_primary.headers
    assert (of_replica.json, of_replica.headers["ETag"]) == (of_primary.json, of_primary.headers["ETag"])


def test_an_unchanged_list_is_the_primarys_word(owner: Person):
    wait_until(lambda: is_from_replica(owner))
    etag = read(owner).headers["ETag"]
    path = f"/patients/{owner.patient_uuid}/checkups"
    answer = owner.ask("GET", path, headers={"If-None-Match": etag})
    assert (answer.status_code, AS_OF_HEADER in answer.headers) == (304, False)


def test_what_was_just_stored_is_seen_though_the_replica_lacks_it(pair: PostgresPair, app: Flask, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    with paused_replay(pair):
        before = count_reads("changed")
        again = arrive(app)
        collect(app, again, [checkup("2025년", "04/03"), checkup("2024년", "03/02"), checkup()], [treatment()])
        answer = read(again)
        assert days(answer)[0] == "2025-04-03"
        assert AS_OF_HEADER not in answer.headers
        assert count_reads("changed") == before + 1
        assert is_from_replica(again, "report")  # of which nothing has changed
    wait_until(lambda: is_from_replica(again))
    assert days(read(again))[0] == "2025-04-03"


def test_what_was_erased_is_not_read_from_a_replica_that_has_it_still(pair: PostgresPair, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    with paused_replay(pair):
        pair.primary.ask(f"delete from welno.{Checkup.__tablename__}")
        assert pair.replica.ask(f"select count(*) from welno.{Checkup.__tablename__}") == 2
        assert days(read(owner)) == []


def test_whoever_is_erased_is_let_in_by_no_replica(pair: PostgresPair, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    with paused_replay(pair):
        assert owner.ask("DELETE", f"/patients/{owner.patient_uuid}").status_code == 202
        for kind in KINDS:
            assert owner.ask("GET", f"/patients/{owner.patient_uuid}/{kind}").status_code == 404


class TestBound:
    @pytest.fixture
    def max_lag(self) -> str:
        return "1"

    def test_one_that_is_further_behind_is_left_and_used_again(self, pair: PostgresPair, owner: Person):
        def commit_and_read() -> bool:
            pair.primary.ask("update welno.welno_epoch set epoch = epoch")
            return is_from_replica(owner)

        wait_until(commit_and_read)
        with paused_replay(pair):
            wait_until(lambda: not commit_and_read())
            before = count_reads("lagging")
            assert not is_from_replica(owner)
            assert count_reads("lagging") == before + 1
        wait_until(commit_and_read)


def test_without_the_replica_the_primary_answers_at_once_and_it_is_used_when_it_is_back(
    pair: PostgresPair, owner: Person, caplog: pytest.LogCaptureFixture
):
    wait_until(lambda: is_from_replica(owner))
    pair.replica.server.kill()
    took = [seconds_of(owner) for _ in range(5)]
    pair.replica.server.start()
    wait_until(lambda: is_from_replica(owner))
    assert max(took) < SLACK_SECONDS
    lines = [record.msg for record in caplog.records if record.name == "services.replica"]
    told = [(line["event"], line.get("reason")) for line in lines if isinstance(line, dict)]
    assert told == [("replica_left", "unreachable"), ("replica_used_again", None)]


def test_one_that_hangs_is_waited_for_once_and_used_when_it_goes_on(pair: PostgresPair, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    with hanging(pair.replica):
        first, *others = (seconds_of(owner) for _ in range(4))
        assert first < WITHIN_SECONDS + SLACK_SECONDS
        until = time.monotonic() + 2 * PAUSE_SECONDS
        while time.monotonic() < until:  # while somebody hangs, no pause lets another hang
            others.append(seconds_of(owner))
        assert max(others) < SLACK_SECONDS
    wait_until(lambda: is_from_replica(owner))


def read_in_a_cooperative_process(node: Node) -> list[tuple[str, float]]:
    """How two reads went, and how long they took."""
    command = [sys.executable, "-c", COOPERATIVE, read_replica_url(node.server.url)]
    told = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=100).stderr
    return [(outcome, float(seconds)) for outcome, seconds in map(str.split, told.splitlines())]


def test_a_web_process_reads_from_it(pair: PostgresPair):
    pair.primary.ask("update welno.welno_epoch set epoch = epoch")
    wait_until(lambda: pair.replica.ask("select pg_last_xact_replay_timestamp() is not null"))
    assert [outcome for outcome, _ in read_in_a_cooperative_process(pair.replica)] == ["read", "read"]


def test_a_web_process_waits_no_longer_for_one_that_takes_connections_and_says_nothing(pair: PostgresPair):
    with hanging(pair.replica):
        (first, waited), (second, again) = read_in_a_cooperative_process(pair.replica)
    assert (first, second) == ("slow", "slow")
    assert waited < WITHIN_SECONDS + SLACK_SECONDS
    assert again < 1


def test_one_that_was_promoted_is_no_replica(pair: PostgresPair, owner: Person):
    wait_until(lambda: is_from_replica(owner))
    before = count_reads("promoted")
    pair.replica.promote()
    assert not is_from_replica(owner)
    assert count_reads("promoted") == before + 1


class TestSeveralHosts:
    @pytest.fixture
    def replica_url(self, pair: PostgresPair) -> str:
        return pair.url_for(pair.primary, pair.replica).replace("read-write", "standby")

    def test_the_standby_is_found_among_them(self, pair: PostgresPair, owner: Person):
        wait_until(lambda: is_from_replica(owner))
        assert Checkup.__tablename__ in last_statements(pair.replica)


def test_auditors_read_the_looks_as_of_a_moment_that_is_told(pair: PostgresPair, app: Flask, owner: Person):
    with app.app_context():
        bearer = {"Authorization": f"Bearer {make_token('auditor-1', 1, Role.AUDITOR)}"}
    client = app.test_client(use_cookies=False)

    def audit() -> tuple[list[str], str | None]:
        answer = client.get(f"{API}/admin/access-log", query_string={"reason": "분기 점검"}, headers=bearer)
        assert answer.status_code == 200
        return [item["action"] for item in answer.json["items"]], answer.headers.get(AS_OF_HEADER)

    read(owner, "prescriptions")
    wait_until(lambda: audit()[1] and "prescriptions" in audit()[0])
    with paused_replay(pair):
        looked_at = clock.now()
        read(owner, "report")
        actions, as_of = audit()
        assert "report" not in actions
        assert as_of is not None
        assert datetime.fromisoformat(as_of) < looked_at
    wait_until(lambda: "report" in audit()[0])
