"""Bounds of readers over several processes: exact in a rush, and nobody is locked out when Redis or a process fails."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis
import websockets

from core.names import READERS_KEY
from core.settings import RelaySettings
from dev.local.valkey import EmbeddedValkey
from tests.integration.relay.competing_process import (
    Burst,
    CompetingProcess,
    join_processes,
    try_take,
)
from tests.integration.relay.server import Server, close_of
from tests.sentinels import sentinel_group
from tests.waiting import wait_until
from webapp.relay.errors import TooManySocketsError
from webapp.relay.registry import ReaderRegistry

# Short where a test waits for its end, long where it must not end.
SHORT_LEASE, LONG_LEASE = 2.0, 60.0
Join = Callable[..., ReaderRegistry]


@pytest.fixture(scope="session")
def redis_url(valkey: EmbeddedValkey) -> str:
    """A database of these tests alone: they count all readers that Redis knows, and other tests leave some behind."""
    return f"{valkey.url.rpartition('/')[0]}/9"


@pytest.fixture
def join(redis_client: redis.Redis, redis_url: str) -> Iterator[Join]:
    del redis_client  # it is empty by then
    with ExitStack() as stack:

        def start(lease_seconds: float = LONG_LEASE, url: str = redis_url) -> ReaderRegistry:
            registry = join_processes(url, lease_seconds)
            stack.callback(registry.stop)
            return registry

        yield start


@pytest.fixture
def start_competing(redis_client: redis.Redis, redis_url: str) -> Iterator[Callable[..., list[CompetingProcess]]]:
    del redis_client  # it is empty by then
    processes: list[CompetingProcess] = []

    def start(count: int, *, tries: int, limit: int, lease_seconds: float = LONG_LEASE) -> list[CompetingProcess]:
        processes.extend(CompetingProcess.start(Burst(redis_url, tries, limit, lease_seconds)) for _ in range(count))
        for process in processes:
            process.wait_ready()
        for process in processes:
            process.begin()
        return processes

    yield start
    for process in processes:
        process.kill()


def is_full(registry: ReaderRegistry, subject: str = "one", max_readers: int = 2) -> bool:
    slot = try_take(registry, subject, max_readers)
    if slot is not None:
        slot.release()
    return slot is None


def count_leases(client: redis.Redis) -> int:
    return sum(client.zcard(key) for key in client.scan_iter(f"{READERS_KEY}:*"))


def fill_up(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)


def empty(client: redis.Redis) -> None:
    client.config_set("maxmemory", 0)


def spoil(client: redis.Redis) -> None:
    for key in client.keys(f"{READERS_KEY}:*"):
        client.set(key, "no set")


def unspoil(client: redis.Redis) -> None:
    client.flushall()


@pytest.mark.parametrize(
    ("scope", "limit", "names"),
    [
        ("subject", 2, lambda n: ("same", 2, str(n), str(n))),
        ("address", 3, lambda n: (str(n), 2, "same", str(n))),
        ("person", 4, lambda n: (str(n), 2, str(n), "same")),
    ],
)
def test_each_bound_holds_over_all_processes(join: Join, redis_client, scope, limit, names):
    processes = [join() for _ in range(limit + 1)]
    slots = [processes[n].acquire(*names(n)) for n in range(limit)]
    leases = count_leases(redis_client)
    with pytest.raises(TooManySocketsError) as refused:
        processes[limit].acquire(*names(limit))
    assert (refused.value.scope, count_leases(redis_client), processes[limit].total) == (scope, leases, 0)
    slots[0].release()
    wait_until(lambda: count_leases(redis_client) == leases - 3)
    processes[limit].acquire(*names(limit))


def test_a_socket_of_several_subjects_and_a_chat_are_counted_alike(join: Join):
    first, second = join(), join()
    first.acquire_connection(None, "p", person_max=1)
    first.acquire_subject("one", 1)
    with pytest.raises(TooManySocketsError):
        second.acquire_connection(None, "p", person_max=1)
    assert try_take(second, max_readers=1) is None


def test_a_rush_on_four_processes_gets_exactly_what_the_bound_allows(start_competing, redis_client):
    processes = start_competing(4, tries=30, limit=77)
    assert sum(process.taken() for process in processes) == 77
    assert count_leases(redis_client) == 77


def test_what_a_killed_process_held_runs_out_and_what_lives_stays(start_competing, join: Join):
    (process,) = start_competing(1, tries=2, limit=2, lease_seconds=SHORT_LEASE)
    assert process.taken() == 2
    living, other = join(SHORT_LEASE), join(SHORT_LEASE)
    kept = living.acquire_subject("one", 3)
    assert is_full(other, max_readers=3)
    process.kill()
    killed_at = time.monotonic()
    wait_until(lambda: not is_full(other, max_readers=2))
    # It would have run out by then, unless it was renewed.
    wait_until(lambda: time.monotonic() > killed_at + SHORT_LEASE)
    assert is_full(other, max_readers=1)
    kept.release()
    wait_until(lambda: not is_full(other, max_readers=1))


def test_who_ends_properly_holds_nothing_from_then_on(join: Join, redis_client):
    first = join()
    for number in range(3):
        first.acquire("same", 9, str(number), str(number)).release()
        first.acquire("same", 9, str(number), str(number))
    first.stop()
    assert count_leases(redis_client) == 0


def test_who_was_told_to_leave_is_not_counted_while_it_is_waited_for(join: Join, redis_client):
    stopping, other = join(), join()
    slots = [stopping.acquire("one", 2, None) for _ in range(2)]
    stopping.release_leases()
    wait_until(lambda: count_leases(redis_client) == 0)
    assert stopping.total == 2
    others = [other.acquire_subject("one", 2) for _ in range(2)]
    for slot in slots:
        slot.release()
    others[0].release()
    wait_until(lambda: count_leases(redis_client) == 1)


def test_the_count_heals_after_redis_was_emptied(join: Join, redis_client):
    first, second = join(SHORT_LEASE), join(SHORT_LEASE)
    for _ in range(2):
        first.acquire_subject("one", 2)
    redis_client.flushall()
    redis_client.script_flush()
    wait_until(lambda: count_leases(redis_client) == 2)
    assert try_take(second) is None


@pytest.mark.parametrize("keep_data", [True, False])
def test_without_redis_each_process_bounds_its_own_and_tells_them_later(
    join: Join, mortal_valkey, mortal_client, keep_data: bool
):
    first, second = join(LONG_LEASE, mortal_valkey.url), join(LONG_LEASE, mortal_valkey.url)
    early = first.acquire_subject("early", 1)
    for number in range(40):
        first.acquire_subject(f"another {number}", 1)
    mortal_valkey.kill()
    slots = [try_take(first), try_take(first)]
    assert None not in slots
    assert is_full(first)
    assert try_take(second) is not None
    early.release()
    mortal_valkey.restart(keep_data=keep_data)
    # Long before any of them has its turn, or the one that has ended runs out.
    wait_until(lambda: count_leases(mortal_client) == 43 and is_full(second))
    assert not is_full(second, "early", 1)
    for slot in slots:
        slot.release()
    wait_until(lambda: not is_full(second))


def test_of_an_outage_longer_than_two_leases_no_end_is_kept(join: Join, mortal_valkey):
    registry = join(SHORT_LEASE, mortal_valkey.url)
    slot = registry.acquire_subject("one", 1)
    mortal_valkey.kill()
    slot.release()
    for _ in range(100):
        registry.acquire_subject("one", 1).release()
    wait_until(lambda: not registry._leases._released)
    assert registry.total == 0


@pytest.mark.parametrize(("fail", "mend"), [(fill_up, empty), (spoil, unspoil)])
def test_a_redis_that_refuses_locks_nobody_out(join: Join, mortal_valkey, mortal_client, fail, mend):
    first, second = join(SHORT_LEASE, mortal_valkey.url), join(SHORT_LEASE, mortal_valkey.url)
    first.acquire_subject("one", 1)
    fail(mortal_client)
    assert try_take(second, max_readers=1) is not None
    assert is_full(second, max_readers=1)
    mend(mortal_client)
    wait_until(lambda: count_leases(mortal_client) == 2)
    assert is_full(join(SHORT_LEASE, mortal_valkey.url), max_readers=2)


def test_a_redis_that_does_not_answer_is_asked_once(join: Join, mortal_valkey, mortal_client):
    registry = join(LONG_LEASE, mortal_valkey.url)
    registry.acquire_subject("one", 100)
    mortal_client.config_resetstat()
    mortal_valkey.process.send(signal.SIGSTOP)
    for _ in range(20):
        registry.acquire_subject("one", 100)
    mortal_valkey.process.send(signal.SIGCONT)
    wait_until(lambda: count_leases(mortal_client) == 21)
    assert mortal_client.info("commandstats")["cmdstat_evalsha"]["calls"] < 5


def test_a_thousand_readers_are_renewed_in_few_round_trips(join: Join, redis_client):
    registry = join(SHORT_LEASE)
    for number in range(1000):
        registry.acquire(str(number), 1, None, str(number))
    redis_client.config_resetstat()
    redis_client.flushall()
    wait_until(lambda: count_leases(redis_client) == 2000)
    # One by one they were two thousand, and again in each period that a busy machine takes for it.
    assert redis_client.info("commandstats")["cmdstat_evalsha"]["calls"] < 500


def test_redis_learns_no_address_and_no_person(join: Join, redis_client):
    join().acquire("tilko_session:secret-session", 9, "203.0.113.77", "secret-person")
    held = [key + b"".join(redis_client.zrange(key, 0, -1)) for key in redis_client.scan_iter(f"{READERS_KEY}:*")]
    assert len(held) == 3
    assert not any(name in one for one in held for name in (b"secret", b"203.0.113.77"))
    assert all(0 < redis_client.pttl(key) <= LONG_LEASE * 1000 for key in redis_client.scan_iter(f"{READERS_KEY}:*"))


def test_after_a_failover_the_new_primary_counts(join: Join):
    with sentinel_group() as group:
        group.wait_whole()
        first, second = join(SHORT_LEASE, group.url), join(SHORT_LEASE, group.url)
        first.acquire_subject("one", 1)
        before = group.primary
        before.kill()
        group.wait_failed_over(before)
        wait_until(lambda: is_full(second, max_readers=1), 30)


def test_of_two_web_processes_each_knows_the_others_sockets(tmp_path, redis_client, redis_url):
    del redis_client  # it is empty by then
    with ExitStack() as stack:
        (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
        first, second = (
            stack.enter_context(Server(tmp_path / name, redis_url, RelaySettings(), 2, is_counted_with_others=True))
            for name in "ab"
        )
        kept, left = first.open("one"), first.open("one")
        with second.connect("one") as refused:
            assert close_of(refused) == (4429, "too many")
        left.close()
        wait_until(lambda: is_let_in(second, "one"))
        kept.close()


def is_let_in(server: Server, subject: str) -> bool:
    try:
        server.open(subject).close()
    except websockets.ConnectionClosed:
        return False
    return True
