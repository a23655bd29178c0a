"""The hub against a real Valkey: the seam between history and live, recovery, bounds, and what it leaves behind."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from prometheus_client import REGISTRY

from dev.local.ports import pick_port
from services.stores import connect_redis
from streams import Position, StreamsUnavailable
from streams.keys import channel
from tests.integration.relay.conftest import append_unpublished
from tests.integration.relay.counting import count_channels
from tests.integration.relay.proxy import SilenceableProxy
from tests.numbered_streams import NumberedStreams
from tests.replication import replicated
from tests.waiting import WAIT_SECONDS, wait_until
from webapp.relay.channel import Resync
from webapp.relay.errors import SlowReaderError, SubscriptionClosedError
from webapp.relay.hub import Hub

SUBJECT = "tilko_session:one"
START = Position("", 0)


def read_seqs(subscription, count: int, timeout: float = WAIT_SECONDS) -> list[int]:
    """The numbers of the next `count` items; a resync counts as -1."""
    items = [subscription.next(timeout) for _ in range(count)]
    return [-1 if isinstance(item, Resync) else item.seq for item in items if item is not None]


def pubsub_clients(client: redis.Redis) -> list[dict]:
    return client.client_list(_type="pubsub")


@pytest.fixture
def own_clients(redis_client) -> Callable[[], list[dict]]:
    """Those that came since: apps of other tests may follow the same Redis."""
    others = {one["id"] for one in pubsub_clients(redis_client)}
    return lambda: [one for one in pubsub_clients(redis_client) if one["id"] not in others]


def kill_pubsub(client: redis.Redis) -> None:
    client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def test_history_comes_first_and_live_events_follow(hub, writer):
    writer.write(SUBJECT, 3)
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT, 2)
    assert read_seqs(subscription, 5) == [1, 2, 3, 4, 5]


def test_a_reader_resumes_after_its_number(hub, writer, streams):
    writer.write(SUBJECT, 5)
    subscription = hub.subscribe(SUBJECT, Position(streams.position(SUBJECT).epoch, 3))
    assert read_seqs(subscription, 2) == [4, 5]


def test_a_reader_who_wants_what_is_held_goes_on_with_it_after_a_lost_place(hub, writer):
    writer.write(SUBJECT, 3)
    subscription = hub.subscribe(SUBJECT, Position("another", 7), restart_after=1)
    assert read_seqs(subscription, 3) == [-1, 2, 3]
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [4]


def test_a_restart_beyond_the_end_of_a_new_history_misses_nothing_that_comes(hub, writer):
    writer.write(SUBJECT, 3)
    subscription = hub.subscribe(SUBJECT, Position("another", 17), restart_after=9)
    assert read_seqs(subscription, 1) == [-1]
    writer.write(SUBJECT, 2)
    assert read_seqs(subscription, 2) == [4, 5]


def test_a_live_reader_who_wants_what_is_held_hears_a_new_history_from_its_beginning(hub, writer, streams):
    writer.write(SUBJECT, 3)
    subscription = hub.subscribe(SUBJECT, START, restart_after=0)
    assert read_seqs(subscription, 3) == [1, 2, 3]
    streams.forget(SUBJECT)
    writer.write(SUBJECT, 2)
    assert read_seqs(subscription, 3) == [-1, 1, 2]
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [3]


def test_who_came_before_the_first_event_gets_it_without_resync(hub, writer):
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [1]


def test_nothing_new_is_none_after_the_timeout(hub):
    assert hub.subscribe(SUBJECT, START).next(0.05) is None


def test_the_seam_has_no_hole_and_no_double(hub, streams, writer):
    """Readers come at any moment of a stream that is being written as fast as can be."""
    ended = threading.Event()
    results: list[list[int]] = []

    def write() -> None:
        writer.write(SUBJECT, 800)
        ended.set()

    def read() -> None:
        while not ended.is_set():
            after = random.randint(0, streams.position(SUBJECT).seq)
            subscription = hub.subscribe(SUBJECT, Position("", after))
            results.append([after, *read_seqs(subscription, 20, timeout=1)])
            subscription.close()

    threads = [threading.Thread(target=work) for work in (write, read, read, read)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert len(results) > 20
    assert all(seqs == list(range(seqs[0], seqs[0] + len(seqs))) for seqs in results)


def test_a_history_longer_than_a_page_arrives_whole(hub, writer):
    writer.write(SUBJECT, 450)
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT, 1)
    assert read_seqs(subscription, 451) == list(range(1, 452))


def test_a_reader_that_catches_up_has_no_more_than_a_page_waiting(streams, redis_url, writer):
    writer.write(SUBJECT, 40, text="x" * 500)
    hub = Hub(streams, redis_url, queue_max_bytes=8000)
    assert read_seqs(hub.subscribe(SUBJECT, START), 40) == list(range(1, 41))
    assert 0 < hub.queued.longest_bytes <= 2000
    hub.stop()


def test_an_event_longer_than_a_page_is_a_page_of_its_own(streams, redis_url, writer):
    writer.write(SUBJECT, 3, text="x" * 5000)
    hub = Hub(streams, redis_url, queue_max_bytes=4000)
    assert read_seqs(hub.subscribe(SUBJECT, START), 3) == [1, 2, 3]
    hub.stop()


def test_a_reader_of_a_lost_history_is_resynced_and_goes_on(hub, writer):
    writer.write(SUBJECT, 3)
    subscription = hub.subscribe(SUBJECT, Position("another", 2))
    assert isinstance(subscription.next(5), Resync)
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [4]


def test_a_trimmed_place_is_resynced_at_the_end(redis_client, redis_url):
    short = NumberedStreams(redis_client, max_length=2)
    short.append(SUBJECT, [{"n": n} for n in range(5)])
    hub = Hub(short, redis_url)
    item = hub.subscribe(SUBJECT, Position("", 1)).next(5)
    hub.stop()
    assert item == Resync(short.position(SUBJECT))


def test_a_live_reader_is_resynced_after_flushall(hub, writer, redis_client):
    writer.write(SUBJECT, 2)
    subscription = hub.subscribe(SUBJECT, START)
    assert read_seqs(subscription, 2) == [1, 2]
    redis_client.flushall()
    writer.write(SUBJECT)
    item = subscription.next(5)
    assert isinstance(item, Resync)
    writer.write(SUBJECT)
    # Noticed before the new event or by it: either way the rest follows from the place the resync names.
    rest = list(range(item.position.seq + 1, 3))
    assert read_seqs(subscription, len(rest)) == rest


def test_readers_that_were_killed_off_are_recovered(hub, writer, redis_client):
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [1]
    for round_number in range(3):
        kill_pubsub(redis_client)
        writer.write(SUBJECT, 2)
        assert read_seqs(subscription, 2, timeout=2) == [2 * round_number + 2, 2 * round_number + 3]


def test_redis_killed_and_started_again_is_recovered(mortal_valkey, mortal_client):
    streams = NumberedStreams(mortal_client)
    hub = Hub(streams, mortal_valkey.url)
    streams.append(SUBJECT, [{}])
    subscription = hub.subscribe(SUBJECT, START)
    assert read_seqs(subscription, 1) == [1]
    mortal_valkey.restart()
    streams.append(SUBJECT, [{}])
    assert read_seqs(subscription, 1, timeout=3) == [2]
    hub.stop()


def test_redis_back_without_its_data_means_resync(mortal_valkey, mortal_client):
    streams = NumberedStreams(mortal_client)
    hub = Hub(streams, mortal_valkey.url)
    streams.append(SUBJECT, [{}])
    subscription = hub.subscribe(SUBJECT, START)
    assert read_seqs(subscription, 1) == [1]
    mortal_valkey.restart(keep_data=False, kill=True)
    assert subscription.next(5) == Resync(START)
    streams.append(SUBJECT, [{}])
    assert read_seqs(subscription, 1) == [1]
    hub.stop()


def test_a_jump_in_the_numbers_is_filled(hub, writer, streams, redis_client):
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT)
    append_unpublished(streams, redis_client, SUBJECT, 2)
    writer.write(SUBJECT)
    assert read_seqs(subscription, 3) == [1, 2, 3]


def test_a_message_that_nobody_received_is_found_by_the_check(streams, redis_client, redis_url, writer):
    hub = Hub(streams, redis_url, check_every_seconds=0.5)
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT)
    append_unpublished(streams, redis_client, SUBJECT, 2)
    assert read_seqs(subscription, 2) == [1, 2]
    hub.stop()


def test_a_connection_that_goes_silent_is_noticed_and_recovered(streams, redis_url, writer):
    """No end of file and no error: only that nothing comes, not even the answer to a ping."""
    with SilenceableProxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as line:
        hub = Hub(streams, f"{redis_url.rpartition(':')[0]}:{line.port}/0", check_every_seconds=3600)
        subscription = hub.subscribe(SUBJECT, START)
        writer.write(SUBJECT)
        assert read_seqs(subscription, 1) == [1]
        line.silence()
        started = time.monotonic()
        writer.write(SUBJECT, 2)
        assert read_seqs(subscription, 2) == [2, 3]
        assert time.monotonic() - started < 3.5
        hub.stop()


@pytest.mark.parametrize("was_cut", [False, True], ids=["refused", "cut"])
def test_after_a_failover_the_subscription_moves_to_the_new_primary(was_cut):
    """The connection of before stays open, and its node follows nobody any more: it would say nothing for ever. The
    writer's was refused, or had been lost to a time-out and came back to the new primary."""
    with replicated() as pair, connect_redis(pair.url, redis.Redis) as client:
        streams = NumberedStreams(client)
        hub = Hub(streams, pair.url, check_every_seconds=3600)
        streams.append(SUBJECT, [{"type": "test"}])
        subscription = hub.subscribe(SUBJECT, START)
        assert read_seqs(subscription, 1) == [1]
        before = pair.primary
        pair.fail_over()
        before.admin.replicaof("127.0.0.1", pick_port())
        if was_cut:
            client.connection_pool.disconnect()
        wait_until(lambda: succeeds(lambda: streams.append(SUBJECT, [{"type": "test"}])))
        wait_until(lambda: pubsub_clients(pair.primary.admin) != [], 3)
        assert read_seqs(subscription, 1) == [2]
        assert pubsub_clients(before.admin) == []
        subscription.close()
        hub.stop()


def succeeds(job: Callable[[], object]) -> bool:
    try:
        job()
    except (redis.RedisError, StreamsUnavailable):
        return False
    return True


def test_readers_that_keep_coming_do_not_hide_a_dead_connection(streams, redis_url, writer):
    """Each of them sends a command, and none of it is an answer."""
    with SilenceableProxy(int(redis_url.rpartition(":")[2].partition("/")[0])) as line:
        hub = Hub(streams, f"{redis_url.rpartition(':')[0]}:{line.port}/0", check_every_seconds=3600)
        subscription = hub.subscribe(SUBJECT, START)
        writer.write(SUBJECT)
        assert read_seqs(subscription, 1) == [1]
        enough = threading.Event()

        def keep_coming() -> None:
            for number in range(200):
                hub._link.subscribe(b"other:%d" % number)
                if enough.wait(0.05):
                    return

        coming = threading.Thread(target=keep_coming)
        line.silence()
        coming.start()
        writer.write(SUBJECT)
        assert read_seqs(subscription, 1, timeout=4) == [2]
        enough.set()
        coming.join(5)
        hub.stop()


def test_a_message_that_nobody_understands_does_not_end_the_reading(hub, writer, redis_client):
    subscription = hub.subscribe(SUBJECT, START)
    redis_client.publish(channel(SUBJECT), "neither a time nor an event")
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [1]
    writer.write(SUBJECT)
    assert read_seqs(subscription, 1) == [2]


@pytest.mark.parametrize(
    "subject", ["tilko_session:7f", "patient:7f", "queue:collection", "project:p 1", "thread:스레드", "a:b:c"]
)
def test_a_subject_of_any_kind_has_its_own_stream(hub, writer, subject):
    subscription, other = hub.subscribe(subject, START), hub.subscribe(f"{subject}x", START)
    writer.write(subject, 2)
    assert read_seqs(subscription, 2) == [1, 2]
    assert other.next(0.05) is None


def test_what_waits_is_counted_and_forgotten_again(hub, writer):
    first, second = hub.subscribe(SUBJECT, START), hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT, 3)
    wait_until(lambda: hub.queued.events == 6)
    assert hub.queued.longest_bytes == hub.queued.size // 2 > 0
    assert read_seqs(first, 3) == [1, 2, 3]
    wait_until(lambda: REGISTRY.get_sample_value("welno_relay_waiting_events") == 3)
    second.close()
    assert (hub.queued.events, hub.queued.size) == (0, 0)
    assert REGISTRY.get_sample_value("welno_relay_longest_queue_bytes") > 0


def test_a_reader_too_slow_waits_for_nothing_any_more(streams, redis_url, writer):
    hub = Hub(streams, redis_url, queue_max_bytes=1000)
    slow = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT, 5, text="x" * 400)
    wait_until(lambda: slow.is_too_slow)
    assert (hub.queued.events, hub.queued.size) == (0, 0)
    hub.stop()


def test_a_reader_ahead_of_the_others_takes_them_along(hub, writer, streams, redis_client):
    first = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT)
    append_unpublished(streams, redis_client, SUBJECT, 2)
    second = hub.subscribe(SUBJECT, Position("", 2))
    assert read_seqs(first, 2, timeout=0.3) == [1, 2]
    writer.write(SUBJECT)
    assert read_seqs(first, 1) == read_seqs(second, 1) == [3]


def test_a_rolled_back_stream_means_resync(hub, writer, streams, redis_client):
    subscription = hub.subscribe(SUBJECT, START)
    writer.write(SUBJECT, 3)
    assert read_seqs(subscription, 3) == [1, 2, 3]
    redis_client.hset(f"stream:{{{SUBJECT}}}:meta", "seq", 1)
    kill_pubsub(redis_client)
    assert subscription.next(5) == Resync(streams.position(SUBJECT))


def test_one_connection_serves_all_readers(hub, writer, own_clients):
    subscriptions = [hub.subscribe(f"s:{n % 50}", START) for n in range(200)]
    # Another app's connection, which a test before has killed, may have come back meanwhile.
    assert len([one for one in own_clients() if int(one["sub"]) >= 50]) == 1
    writer.write("s:7")
    assert [subscription.next(5).seq for subscription in subscriptions[7::50]] == [1, 1, 1, 1]


def test_the_last_reader_takes_the_subscription_along(hub, redis_client):
    first, second = (hub.subscribe(SUBJECT, START) for _ in range(2))
    first.close()
    assert redis_client.pubsub_numsub(channel(SUBJECT))[0][1] == 1
    second.close()
    second.close()
    wait_until(lambda: redis_client.pubsub_numsub(channel(SUBJECT))[0][1] == 0)
    assert count_channels(hub) == 0


def test_leaving_and_coming_back_at_once_loses_nothing(hub, writer):
    for n in range(1, 101):
        subscription = hub.subscribe(SUBJECT, Position("", n - 1))
        writer.write(SUBJECT)
        assert read_seqs(subscription, 1) == [n]
        subscription.close()


def test_a_reader_that_takes_nothing_becomes_too_slow_alone(streams, redis_url, writer):
    hub = Hub(streams, redis_url, queue_max_bytes=5000)
    slow, quick = hub.subscribe(SUBJECT, START), hub.subscribe(SUBJECT, START)
    for seq in range(1, 21):
        writer.write(SUBJECT, text="x" * 500)
        assert quick.next(5).seq == seq
    assert slow.is_too_slow
    with pytest.raises(SlowReaderError):
        slow.next(1)
    hub.stop()


def test_a_closed_subscription_wakes_its_reader(hub):
    subscription = hub.subscribe(SUBJECT, START)
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(subscription.next, 20)
        wait_until(lambda: subscription._signal is not None)  # made when it begins to wait
        subscription.close()
        with pytest.raises(SubscriptionClosedError):
            reading.result()


def test_without_redis_a_reader_is_told_to_try_again(streams):
    hub = Hub(streams, f"redis://127.0.0.1:{pick_port()}/0")
    started = time.monotonic()
    with pytest.raises(StreamsUnavailable):
        hub.subscribe(SUBJECT, START)
    assert time.monotonic() - started < 5
    assert count_channels(hub) == 0
    hub.stop()


def test_two_first_readers_start_one_hub(hub, own_clients):
    threads = [threading.Thread(target=hub.subscribe, args=(f"s:{n}", START)) for n in range(20)]
    [thread.start() for thread in threads]
    [thread.join(5) for thread in threads]
    assert len(own_clients()) == 1
    assert count_channels(hub) == 20


def test_a_stopped_hub_leaves_no_connection(hub, own_clients):
    hub.subscribe(SUBJECT, START)
    hub.stop()
    wait_until(lambda: not own_clients())
