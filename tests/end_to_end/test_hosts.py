"""A small data centre is rehearsed: web and worker hosts are cut off, the host of the primary Valkey dies."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.local.programs import ROOT
from tests.data_centre import RunningHosts, require_haproxy, require_namespaces, run_hosts
from tests.end_to_end.crowd import Crowd
from tests.end_to_end.person import Person, Visit
from tests.end_to_end.product import SHORT_WAITS
from tests.end_to_end.provider import CHECKUPS, LOGIN_CHECK, TREATMENTS, Provider
from tests.end_to_end.proxied_crowd import Passers, ProxiedWebs
from tests.end_to_end.releases import add_contract, make_new
from tests.end_to_end.test_lost_redis import Follower, check, following
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(480)
# Of a call whose worker host is cut off after it was billed: nobody asks again before it is over.
CALL_SECONDS = 60
UP_WITHIN_SECONDS = 300
# Four checks of haproxy, two seconds apart.
TAKEN_OUT_SECONDS = 20
# A second to notice, an election, and the promotion; then kombu's look at what hangs.
FAILED_OVER_SECONDS = 30
LIVE_AGAIN_SECONDS = 60
FINISHED_SECONDS = CALL_SECONDS + 120
RUNS = 4
# Of two people who are collected while a second release starts on the same machine.
SERVED_SECONDS = 180
_BOTH_RELEASES_SERVE_SECONDS = 2.5
# wal_receiver_timeout is a minute: for so long a standby takes a silent primary for alive.
PROMOTED_SECONDS = 150
PASSED = ("/", "/api/v1/consents/texts", "/readyz/process")
FIRST, STANDBY = "10.77.0.21:5432", "10.77.0.22:5432"


class Site:
    """The data centre with its people, as they come in through haproxy."""

    def __init__(self, hosts: RunningHosts) -> None:
        self.hosts, self.provider = hosts, Provider(hosts.sandbox)
        self._browsers: list[httpx.Client] = []

    def meet(self) -> Person:
        return Person(self.hosts.site, self.provider, self._browsers)

    def start(self) -> Visit:
        visit = self.meet().is_known_with().start().asks_for_push()
        visit.wait_for("auth_waiting", LIVE_AGAIN_SECONDS)
        return visit

    def close(self) -> None:
        self.provider.close()
        for browser in self._browsers:
            browser.close()

    def log(self, host: str, name: str) -> str:
        return (self.hosts.home / "hosts" / host / name).read_text()

    def wait_ready(self) -> None:
        wait_until(lambda: self.get("/readyz").status_code == 200, LIVE_AGAIN_SECONDS)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.hosts.site}{path}", timeout=20)

    def fail_over(self, word: str) -> str:
        """What the operator's command says, from a host that is up."""
        done = subprocess.run(
            self.hosts.command("exec", "worker-2", sys.executable, "-m", "tasks.failover", word),
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return done.stdout

    def sign_in_operator(self) -> dict[str, str]:
        """The header with the token of one."""
        words = ("-m", "webapp.staff_token", "--name", "operator-1", "--role", "operator")
        said = self.hosts.do("exec", "web-1", sys.executable, *words)
        token = re.findall(r"eyJ[\w.-]+", said)[-1]
        return {"Authorization": f"Bearer {token}"}

    def look_at_flower(self, path: str, **asked: Any) -> httpx.Response:
        return httpx.get(f"{self.hosts.flower}{path}", timeout=20, **asked)

    def nodes_in_flower(self, cookies: dict[str, str]) -> set[str]:
        """The names of the workers whose events it has seen."""
        rows = self.look_at_flower("/workers", params={"json": "1"}, cookies=cookies).json()["data"]
        return {row["hostname"].partition("@")[0] for row in rows}

    def held_by(self, host: str, visits: list[Visit]) -> list[Visit]:
        """Those whose checkups its worker has fetched, and whose prescriptions it asks for."""
        log = self.log(host, "logs/worker.log")
        return [visit for visit in visits if re.search(rf"fetch_health_data.*step_done.*{visit.session_id}", log)]

    def runs(self, host: str) -> str:
        """What the table says of it."""
        [line] = re.findall(rf"^{host} .*", self.hosts.do("status"), re.MULTILINE)
        return str(line.split(maxsplit=3)[3])

    def haproxy_says(self, host: str) -> str | None:
        """Whether it is up, as it said last."""
        said = re.findall(rf"Server web/{host} is (UP|DOWN)", self.log("proxy-1", "haproxy.log"))
        return said[-1] if said else None


@contextmanager
def held_in_the_middle(site: Site, visit: Visit, followers: list[Follower]) -> Iterator[None]:
    """Its prescriptions are asked for, and not answered before the block ends."""
    with site.provider.fault(TREATMENTS, calls=1, hold="before"):
        visit.approves()
        wait_until(lambda: all(len(follower.events) >= 6 for follower in followers))
        yield


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    require_namespaces()
    require_haproxy()
    settings = SHORT_WAITS | {"WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": str(CALL_SECONDS)}
    with run_hosts(settings=settings, within_seconds=UP_WITHIN_SECONDS) as hosts:
        site = Site(hosts)
        yield site
        site.close()


def test_a_collection_is_done_through_haproxy(site: Site):
    table = site.hosts.do("status")
    assert len(re.findall(r"^\S+ +10\.77\.0\.\d+ +up ", table, re.MULTILINE)) == len(table.splitlines()) - 1
    assert site.meet().is_known_with().collects().status()["status"] == "completed"


def test_flower_is_for_operators_who_come_from_the_site_through_haproxy(site: Site):
    """With the workers of both hosts, and RabbitMQ's queues where there is one."""
    wait_until(lambda: site.look_at_flower("/healthcheck").status_code == 200)
    assert site.look_at_flower("/workers").status_code == 401
    opened = httpx.post(f"{site.hosts.site}/api/v1/auth/flower", headers=site.sign_in_operator(), timeout=20)
    assert opened.json()["url"] == f"{site.hosts.flower}/"
    cookies = dict(opened.cookies)
    wait_until(lambda: site.look_at_flower("/workers", cookies=cookies).status_code == 200)
    nodes = {"worker-1", "worker-2", "interviews-1", "interviews-2"}
    wait_until(lambda: nodes <= site.nodes_in_flower(cookies), LIVE_AGAIN_SECONDS, every=1)
    lengths = site.look_at_flower("/api/queues/length", cookies=cookies).json()["active_queues"]
    assert {one["name"] for one in lengths} >= {"collection", "files"}


def test_records_are_read_from_the_replica(site: Site):
    visit = site.meet().is_known_with().collects()
    assert visit.ask_records("checkups", visit.patient_uuid).json()["items"]
    wait_until(lambda: "Data-As-Of" in visit.ask_records("checkups", visit.patient_uuid).headers)


def test_readers_go_on_when_a_web_host_is_cut_off(site: Site):
    visit = site.start()
    with following(visit) as followers, held_in_the_middle(site, visit, followers):
        site.hosts.do("cut", "web-1")
        wait_until(lambda: site.haproxy_says("web-1") == "DOWN", TAKEN_OUT_SECONDS)
    check(followers)
    site.hosts.do("heal", "web-1")
    wait_until(lambda: site.haproxy_says("web-1") == "UP", TAKEN_OUT_SECONDS)


def test_readers_live_again_when_the_host_of_the_primary_valkey_dies(site: Site):
    visit = site.start()
    with following(visit) as followers, held_in_the_middle(site, visit, followers):
        site.hosts.do("kill", "valkey-1")
        wait_until(lambda: "+switch-master" in site.log("valkey-2", "sentinel/sentinel.log"), FAILED_OVER_SECONDS)
        site.wait_ready()
    check(followers)
    assert "killed" in site.hosts.do("status")
    site.hosts.do("heal", "valkey-1")


def test_the_other_host_finishes_the_runs_of_one_that_is_cut_off(site: Site):
    """All calls are billed, and their answers on the way. What the cut host waits for is lost, and bought once more."""
    visits = [site.start() for _ in range(RUNS)]
    with site.provider.fault(TREATMENTS, hold="after") as fault_id:
        for visit in visits:
            visit.approves()
        wait_until(lambda: site.provider.held_calls(fault_id) == RUNS)
        cut_off = site.held_by("worker-1", visits)
        site.hosts.do("cut", "worker-1")
    assert cut_off, "the cut host held none of the runs"
    for visit in visits:
        wait_until(lambda visit=visit: visit.status()["status"] == "completed", FINISHED_SECONDS, every=1)
        bill = {"checkups": 1, "prescriptions": 2 if visit in cut_off else 1}
        assert site.provider.bill_of(visit.cx_id) == bill
    site.hosts.do("heal", "worker-1")
    assert {visit.status()["status"] for visit in visits} == {"completed"}


def test_the_replica_takes_the_place_of_a_postgresql_whose_host_dies(site: Site):
    """By the command of docs/operations.md; the one of before comes back as its standby, also when both were away."""
    site.hosts.do("kill", "postgres-1")
    wait_until(lambda: site.fail_over("promote").startswith(f"{STANDBY} takes writes"), PROMOTED_SECONDS, every=5)
    site.wait_ready()
    assert site.meet().is_known_with().collects().status()["status"] == "completed"
    site.hosts.do("kill", "postgres-2")
    assert "is the primary now, and does not answer" in site.hosts.do("heal", "postgres-1", refused=True)
    site.hosts.do("heal")
    wait_until(lambda: re.search(rf"{STANDBY} +primary", told := site.fail_over("status")) and "standby" in told, 60)
    site.wait_ready()


def test_a_primary_that_was_cut_off_becomes_the_standby_of_its_successor(site: Site):
    """It lives on behind the cut, and would take writes again as soon as it is reached."""
    site.hosts.do("cut", "postgres-2")
    wait_until(lambda: site.fail_over("promote").startswith(f"{FIRST} takes writes"), PROMOTED_SECONDS, every=5)
    site.wait_ready()
    assert "PostgreSQL on postgres-2 was left behind" in site.hosts.do("heal", "postgres-2")
    wait_until(lambda: re.search(rf"{FIRST} +primary .*\n{STANDBY} +standby ", site.fail_over("status")), 60)
    assert site.meet().is_known_with().collects().status()["status"] == "completed"


def test_haproxy_leaves_the_web_hosts_in_while_valkey_is_away(site: Site):
    for number in (1, 2, 3):
        site.hosts.do("cut", f"valkey-{number}")
    wait_until(lambda: site.get("/readyz").status_code == 503, TAKEN_OUT_SECONDS)
    with pytest.raises(AssertionError, match="still not so"):
        wait_until(lambda: "DOWN" in {site.haproxy_says("web-1"), site.haproxy_says("web-2")}, TAKEN_OUT_SECONDS)
    assert site.get("/readyz").json() == {"status": "unavailable"}  # in our words, not the proxy's
    assert [site.get(path).status_code for path in ("/", "/api/v1/consents/texts")] == [200, 200]
    for number in (1, 2, 3):
        site.hosts.do("heal", f"valkey-{number}")
    site.wait_ready()


def test_nothing_is_bought_while_the_object_store_is_cut_off(site: Site):
    visit = site.start()
    # Only who has looked whether an answer lies there asks whether the phone has approved.
    wait_until(lambda: site.provider.count_calls(LOGIN_CHECK, visit.cx_id))
    site.hosts.do("cut", "objects-1")
    wait_until(lambda: site.get("/readyz").status_code == 503, TAKEN_OUT_SECONDS)
    visit.approves()
    visit.wait_for("auth_completed", LIVE_AGAIN_SECONDS)
    wait_until(lambda: any("unreachable" in site.log(host, "logs/worker.log") for host in ("worker-1", "worker-2")))
    assert site.provider.count_calls(CHECKUPS, visit.cx_id) == 0
    site.hosts.do("heal", "objects-1")
    wait_until(lambda: visit.status()["status"] == "completed", FINISHED_SECONDS, every=1)
    assert site.provider.bill_of(visit.cx_id) == {"checkups": 1, "prescriptions": 1}
    site.wait_ready()


def test_all_is_well_when_everything_is_healed(site: Site):
    site.hosts.do("heal")
    site.wait_ready()
    assert not re.search(r" (cut|killed|slow) |ended", site.hosts.do("status"))
    assert site.meet().is_known_with().collects().status()["status"] == "completed"
    assert site.haproxy_says("web-2") in {None, "UP"}


def test_a_new_release_takes_over_blue_green_and_nobody_notices(site: Site, tmp_path: Path):
    """Expand, green beside blue, the switch, blue retired, contract: with people at every transport all the time."""
    new, hosts = make_new(tmp_path / "new"), site.hosts
    webs, visit = ProxiedWebs(hosts.site), site.start()
    with (
        # Two releases and all their stores on one machine of two cores: who comes more often is not served in time.
        Crowd(site, webs, every_seconds=_BOTH_RELEASES_SERVE_SECONDS) as crowd,
        Passers(hosts.site, PASSED) as passers,
        following(visit) as followers,
    ):
        crowd.wait_for_more(within_seconds=SERVED_SECONDS)
        hosts.do("exec", "worker-1", *new.migrate_to("head"))
        for command in (("green", str(new.code)), ("switch",), ("retire",)):
            hosts.do(*command)
            crowd.wait_for_more(1, within_seconds=SERVED_SECONDS)
            passers.wait_for_more(20)
        assert site.runs("web-1") == "web-green"
        assert {name.endswith("-green") for name in site.runs("worker-1").split(", ")} == {True}
        add_contract(new)
        hosts.do("exec", "worker-1", *new.migrate_to("head"))
        crowd.wait_for_more(within_seconds=SERVED_SECONDS)
        visit.approves()
    crowd.check()
    check(followers)
    assert (webs.failures, passers.failures) == ([], [])
    assert webs.told_to_come_back > 0
    wait_until(lambda: site.look_at_flower("/healthcheck").status_code == 200, LIVE_AGAIN_SECONDS)


def test_nothing_is_left_when_it_is_stopped(site: Site):
    """Last: it ends what the others share."""
    home: Path = site.hosts.home
    site.hosts.process.stop(20)
    assert site.hosts.process.exit_code == 0
    wait_until(lambda: site.hosts.count_processes() == 0)
    assert not (home / "hosts.json").exists()
