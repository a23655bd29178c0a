"""The bench's own tools: a network that can be cut, a second delivery, and what counts as a recovery."""

import sys
from collections.abc import Iterator

import pytest
import redis

from dev.bench.chaos.blows import Blow, Kind
from dev.bench.chaos.echo import unescape
from dev.bench.chaos.proxy import command
from dev.bench.chaos.report import measure
from dev.bench.chaos.through import rewrite
from dev.bench.chaos.witness import Change
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT
from dev.local.valkey import EmbeddedValkey
from tests.waiting import wait_until

SESSION = "7f3b9c52-6d0c-4f6e-9a38-6a2f4a1d6c11"


@pytest.fixture(scope="module")
def way(server_home, valkey: EmbeddedValkey) -> Iterator[tuple[int, redis.Redis]]:
    """The control port, and a client whose way to Valkey leads through the proxy."""
    control, listen = pick_port(), pick_port()
    arguments = [sys.executable, "-m", "dev.bench.chaos.proxy", str(control), f"way={listen}:{valkey.port}"]
    proxy = Process("proxy", arguments, server_home / "logs" / "proxy.log", cwd=ROOT)
    proxy.start()
    client = redis.Redis.from_url(valkey.url.replace(f":{valkey.port}/", f":{listen}/"), socket_timeout=0.3)
    wait_until(lambda: answers(client), 20)
    yield control, client
    client.close()
    proxy.kill()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.mark.parametrize("action", ["cut", "stall"])
def test_what_was_cut_or_stalled_passes_again_when_healed(way: tuple[int, redis.Redis], action: str):
    control, client = way
    command(control, action, "way")
    assert not answers(client)
    command(control, "heal", "way")
    wait_until(lambda: answers(client))


def test_a_printed_message_is_read_back():
    assert unescape(rb"{\"a\": \"b\\c\"} \x00\r\n") == b'{"a": "b\\c"} \x00\r\n'


def test_only_the_ports_of_the_stores_are_exchanged():
    stores = {"DATABASE_URL": "postgresql://u:p@h:1111/d", "REDIS_URL": "redis://h:2222/0"}
    changed = rewrite(stores | {"CELERY_BROKER_URL": "redis://h:2222/0", "OTHER": ":1111/"}, "1111:3,2222:4")
    assert changed["DATABASE_URL"] == "postgresql://u:p@h:3/d"
    assert changed["REDIS_URL"] == changed["CELERY_BROKER_URL"] == "redis://h:4/0"
    assert changed["OTHER"] == ":1111/"


def change(at: float, run_state: str, pid: int | None, fence: int) -> Change:
    return Change(at, SESSION, "save_files", run_state, pid, pid, fence)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([change(11, "ready", None, 2), change(12.5, "running", 8, 3)], [2.5]),  # torn off, and taken by another
        ([change(10.1, "running", 7, 1)], []),  # what it had done just then was committed
    ],
)
def test_a_run_is_recovered_when_its_step_runs_again(later: list[Change], expected: list[float]):
    blow = Blow(Kind.WORKER_CHILD, 10.0, "worker1", frozenset({7}))
    measure([blow], {SESSION: [change(9, "running", 7, 1), *later]})
    assert blow.samples == expected
