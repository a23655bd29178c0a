"""What clients may ask of a source: in order, off the loop, bounded, and a mistake ends nothing."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from core.settings import RelaySettings
from tests.integration.relay.server import Server, close_of, read_events


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(check_every_seconds=0.5, close_within_seconds=0.5)
    with Server(tmp_path_factory.mktemp("commands"), redis_url, limits) as server:
        yield server


def say(client, **message) -> None:
    client.send(json.dumps(message))


def read(client) -> dict:
    return json.loads(client.recv(5))


def test_a_command_is_named_by_type_or_by_command(server):
    with server.open("one") as client:
        say(client, command="wait", seconds=0, number=1)
        say(client, type="wait", seconds=0, number=2)
        assert [read(client)["number"] for _ in range(2)] == [1, 2]


def test_commands_of_one_socket_run_one_after_another(server):
    with server.open("one") as client:
        for number, seconds in enumerate([0.3, 0, 0.1]):
            say(client, type="wait", seconds=seconds, number=number)
        assert [read(client)["number"] for _ in range(3)] == [0, 1, 2]


def test_a_slow_command_holds_up_neither_events_nor_others(server, writer):
    with server.open("one") as busy, server.open("one") as other:
        say(busy, type="wait", seconds=1, number=1)
        writer.write("one")
        assert read_events(busy, 1) == [1]
        say(other, type="wait", seconds=0, number=2)
        assert [read_events(other, 1), read(other)["number"]] == [[1], 2]
        assert read(busy)["number"] == 1


def test_more_than_eight_waiting_commands_are_refused_and_the_socket_stays(server):
    with server.open("one") as client:
        for number in range(11):
            say(client, type="wait", seconds=0.3 if number == 0 else 0, number=number)
        answers = [read(client) for _ in range(11)]
    refused = [answer["code"] for answer in answers if answer["type"] == "error"]
    assert refused == ["TOO_MANY_COMMANDS"] * 2
    assert [answer["number"] for answer in answers if answer["type"] == "waited"] == list(range(9))


def test_a_command_that_fails_is_answered_and_the_socket_stays(server):
    with server.open("one") as client:
        say(client, type="fail")
        say(client, type="wait", seconds=0, number=1)
        assert [read(client).get("code"), read(client)["number"]] == ["COMMAND_FAILED", 1]
    assert "relay_command_failed" in server.log.read_text()


def test_a_lost_right_ends_the_commands_that_still_wait(server):
    with server.open("lost") as client:
        say(client, type="wait", seconds=1.5, number=0)
        say(client, type="wait", seconds=0, number=1)
        server.post("/revoke/lost")
        assert close_of(client)[0] == 4401


def test_commands_of_many_sockets_run_beside_each_other(server):
    with ExitStack() as stack:
        clients = [stack.enter_context(server.open(f"s{n}")) for n in range(10)]
        for number, client in enumerate(clients):
            say(client, type="wait", seconds=0.5, number=number)
        assert [json.loads(client.recv(2))["number"] for client in clients] == list(range(10))
