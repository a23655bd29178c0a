"""One socket that follows several subjects: each in order, each ended for itself, all within one socket's bounds."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.sync.client import ClientConnection

from core.settings import RelaySettings
from streams.control import ControlChannel
from tests.integration.relay.server import Server, close_of
from tests.unit.relay.frames import client_frame
from tests.waiting import WAIT_SECONDS, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory, redis_url) -> Iterator[Server]:
    limits = RelaySettings(messages_per_minute=1000, close_within_seconds=0.5, queue_max_bytes=200_000)
    with Server(tmp_path_factory.mktemp("desk"), redis_url, limits, max_readers=2) as server:
        yield server


class Desk:
    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        assert self.read()["type"] == "welcome"

    def read(self, timeout: float = WAIT_SECONDS) -> dict:
        return json.loads(self.client.recv(timeout))

    def say(self, command: str, subject: str, **more) -> None:
        self.client.send(json.dumps({"command": command, "subject": subject, **more}))

    def follow(self, subject: str, **more) -> list[str]:
        """What comes before its events."""
        self.say("follow", subject, **more)
        return [self.read()["type"] for _ in range(2)]

    def read_numbers(self, count: int) -> dict[str, list[int]]:
        """Of the next events, by what they say of themselves."""
        numbers: dict[str, list[int]] = {}
        for _ in range(count):
            event = self.read()
            numbers.setdefault(event["of"], []).append(event["seq"])
        return numbers


@pytest.fixture
def open_desk(server) -> Iterator:
    with ExitStack() as stack:
        yield lambda query="", login="clerk": Desk(stack.enter_context(server.connect(login, query, path="desk")))
    server.wait_for_nobody()


def test_each_subject_greets_and_is_followed_from_its_own_position(open_desk, writer):
    writer.write("a", 3, of="a")
    writer.write("b", 2, of="b")
    desk = open_desk()
    assert desk.follow("a", after="1") == ["connection_established", "session_status"]
    assert desk.read_numbers(2) == {"a": [2, 3]}
    assert desk.follow("b") == ["connection_established", "session_status"]
    writer.write("b", 1, of="b")
    writer.write("a", 1, of="a")
    assert desk.read_numbers(2) == {"a": [4], "b": [3]}


def test_events_of_all_subjects_come_in_the_order_of_each(open_desk, writer):
    desk = open_desk()
    for subject in "abcd":
        desk.follow(subject, after="0")
    for _ in range(50):
        for subject in "abcd":
            writer.write(subject, of=subject)
    assert desk.read_numbers(200) == {subject: list(range(1, 51)) for subject in "abcd"}


def test_a_subject_left_is_silent_and_may_be_followed_again(open_desk, server, writer):
    desk = open_desk()
    desk.follow("a")
    desk.follow("b")
    desk.say("unfollow", "a")
    assert desk.read() == {"type": "unfollowed", "was_followed": True}
    desk.say("unfollow", "a")
    assert desk.read() == {"type": "unfollowed", "was_followed": False}
    wait_until(lambda: server.get("/count")["channels"] == 1)
    writer.write("a", of="a")
    writer.write("b", of="b")
    assert desk.read_numbers(1) == {"b": [1]}
    desk.follow("a", after="0")
    assert desk.read_numbers(1) == {"a": [1]}


def test_the_last_event_of_one_subject_leaves_the_others(open_desk, writer):
    desk = open_desk()
    desk.follow("a")
    desk.follow("b")
    writer.write("a", of="a", close=4408)
    assert desk.read()["seq"] == 1
    ended = {"type": "subscription_ended", "subject": "a", "code": 4408, "reason": "session expired"}
    assert desk.read() == ended
    writer.write("b", of="b")
    assert desk.read_numbers(1) == {"b": [1]}
    assert desk.follow("a") == ["connection_established", "session_status"]


def test_a_lost_right_ends_its_subject_alone(open_desk, server, writer, redis_client):
    desk = open_desk()
    desk.follow("a-lost")
    desk.follow("b")
    server.post("/revoke/a-lost")
    ControlChannel(redis_client).reauthorize_subject("a-lost")
    assert desk.read(1)["code"] == 4401
    writer.write("b", of="b")
    assert desk.read_numbers(1) == {"b": [1]}


def test_a_lost_login_closes_the_socket(open_desk, server, redis_client):
    desk, other = open_desk(login="clerk-lost"), open_desk()
    desk.follow("a")
    server.post("/revoke/clerk-lost")
    ControlChannel(redis_client).reauthorize_login("clerk-lost")
    assert close_of(desk.client, 1) == (4401, "not authenticated")
    assert other.follow("a") == ["connection_established", "session_status"]


def test_a_state_that_cannot_be_had_ends_its_subject_alone(open_desk, writer):
    writer.write("a", 2, of="a")
    desk = open_desk("snapshot=broken&state=x")
    desk.follow("b", after="0")
    desk.follow("a", after="abc:1")
    assert (desk.read()["subject"], writer.write("b", of="b"), desk.read()["of"]) == ("a", None, "b")


@pytest.mark.parametrize(
    ("before", "subject", "why"),
    [
        (["a"], "a", "AlreadyFollowedError"),
        (["a", "b", "c", "d"], "e", "TooManySubjectsError"),
    ],
)
def test_what_cannot_be_followed_is_answered(open_desk, before, subject, why):
    desk = open_desk()
    for earlier in before:
        desk.follow(earlier)
    desk.say("follow", subject)
    assert desk.read() == {"type": "refused", "why": why}


def test_the_bound_of_a_subject_holds_for_it_alone(open_desk):
    desks = [open_desk() for _ in range(3)]
    assert [desk.follow("full") for desk in desks[:2]] == [["connection_established", "session_status"]] * 2
    desks[2].say("follow", "full")
    assert desks[2].read() == {"type": "refused", "why": "TooManySocketsError"}
    assert desks[2].follow("free") == ["connection_established", "session_status"]


def test_what_waits_is_bounded_for_the_socket_as_a_whole(server, writer):
    """Four subjects, each within its bound and all together beyond: the socket is too slow."""
    deaf = server.raw("clerk", path="desk", window=8192)
    with deaf, server.connect("clerk", path="desk", max_queue=None) as quick:
        for client in (deaf, Desk(quick)):
            for subject in "abcd":
                follow_raw(client, subject)
        wait_until(lambda: server.sample("welno_relay_subscriptions") == 8)
        for _ in range(30):
            for subject in "abcd":
                writer.write(subject, text="x" * 50_000)
        wait_until(lambda: server.sample("welno_relay_closed_total", transport="websocket", reason="3008") >= 1)
        assert server.sample("welno_relay_longest_queue_bytes") < 200_000
    server.wait_for_nobody()


def follow_raw(client, subject: str) -> None:
    message = json.dumps({"command": "follow", "subject": subject, "after": "0"}).encode()
    if isinstance(client, Desk):
        client.client.send(message.decode())
    else:
        client.sendall(client_frame(1, message))
