"""A right that is taken away reaches every open reader at once, over the control channel or without it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from core.settings import RelaySettings
from streams.control import ControlChannel
from tests.integration.relay.event_source import EventSource
from tests.integration.relay.server import Server, close_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    """Nobody's turn comes by itself while these tests run."""
    limits = RelaySettings(check_every_seconds=3600, close_within_seconds=0.5)
    with Server(tmp_path_factory.mktemp("revocation"), redis_url, limits) as server:
        yield server


@pytest.fixture
def control(redis_client) -> ControlChannel:
    return ControlChannel(redis_client)


def test_a_notice_ends_the_readers_of_its_subject_within_a_second(server, control):
    with server.open("gone") as client, EventSource(server, "gone") as source, server.open("other") as other:
        source.next_block()
        server.post("/revoke/gone")
        assert control.reauthorize_subject("gone")
        assert close_of(client, 1)[0] == 4401
        assert source.next_event()["code"] == 4401
        other.send('{"type": "ping"}')
        assert '"pong"' in other.recv(5)


def test_a_notice_that_comes_while_its_readers_are_let_in_ends_them_at_once(server, control):
    """By then the decision on them has been made."""
    query = "sid=late&admit_seconds=1"
    with server.connect("late", query) as client, ThreadPoolExecutor() as pool:
        answer = pool.submit(EventSource, server, "late", query=query)
        wait_until(lambda: server.get("/waiting").count("late") == 2)
        server.post("/revoke/late")
        assert control.reauthorize_login("late")
        assert close_of(client, 3)[0] == 4401
        with answer.result(5) as source:
            assert source.next_event()["code"] == 4401


def test_a_notice_about_a_login_ends_what_came_with_it(server, control):
    with server.open("two", "sid=gone") as client, EventSource(server, "two", query="sid=gone") as source:
        source.next_block()
        server.post("/revoke/two")
        assert control.reauthorize_login("gone")
        assert close_of(client, 1)[0] == 4401
        assert source.next_event()["code"] == 4401


def test_the_notice_opens_and_closes_nothing_by_itself(server, control):
    with server.open("three") as client:
        asked = len(server.get("/questions"))
        control.reauthorize_subject("three")
        wait_until(lambda: len(server.get("/questions")) > asked)
        client.send('{"type": "ping"}')
        assert '"pong"' in client.recv(5)


def test_many_readers_of_one_subject_are_one_question(server, control):
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(server.open("crowd"))
        control.reauthorize_subject("crowd")
        wait_until(lambda: server.get("/questions")[-1] == 15)


def test_a_lost_link_has_everybody_looked_at_again(server, redis_client):
    with server.open("four") as client, server.open("five") as other:
        server.post("/revoke/four")
        redis_client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert close_of(client, 10)[0] == 4401
        other.send('{"type": "ping"}')
        assert '"pong"' in other.recv(5)


def test_without_redis_nothing_is_published_and_nothing_raised(mortal_client, mortal_valkey):
    mortal_valkey.kill()
    assert not ControlChannel(mortal_client).reauthorize_subject("one")


def test_readers_outlive_an_authority_that_is_down_for_a_while(tmp_path, redis_url):
    limits = RelaySettings(check_every_seconds=2, close_within_seconds=0.5)
    with Server(tmp_path, redis_url, limits) as server, server.open("one") as client:
        server.post("/office/yes")
        wait_until(lambda: len(server.get("/questions")) > 2)
        client.send('{"type": "ping"}')
        assert '"pong"' in client.recv(5)
        server.post("/office/no")
        server.post("/revoke/one")
        assert close_of(client)[0] == 4401


def test_readers_do_not_outlive_one_that_stays_down(tmp_path, redis_url):
    limits = RelaySettings(check_every_seconds=0.5, close_within_seconds=0.5)
    with Server(tmp_path, redis_url, limits) as server, server.open("one") as client:
        server.post("/office/yes")
        assert close_of(client)[0] == 1013
