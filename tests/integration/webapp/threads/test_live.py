"""Threads behind a real gunicorn: the socket that follows several of them, server-sent events and long polls."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, text
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from werkzeug.test import TestResponse

from core.base64url import encode_bytes
from core.clock import clock
from models.accounts import RevokedWhy
from models.collection import CollectionRun
from services.accounts.logins import end_login
from services.delivery.epoch import begin_epoch
from tests.integration.webapp.people import ORIGIN, Person, arrive, change_run, collect
from tests.integration.webapp.server import Server
from tests.waiting import WAIT_SECONDS, wait_until
from webapp.api.threads.live.authority import ThreadAuthority, ThreadRight
from webapp.auth.thread_members import KnownMember, require_known
from webapp.current import parts

from .members import API, Member, Talk, begin_talk, spend_acts


class Ear:
    """One socket, greeted."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.member = self.hear("connection_established")["memberId"]

    def say(self, type_: str, **frame: Any) -> None:
        self.socket.send(json.dumps({"type": type_, **frame}))

    def read(self, timeout: float = WAIT_SECONDS) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout=timeout))
        return frame

    def hear(self, kind: str) -> dict[str, Any]:
        frame = self.read()
        assert frame["type"] == kind, frame
        return frame

    def follow(self, talk: Talk, after: str | None = None) -> dict[str, Any]:
        self.say("subscribe", threadId=talk.id, **({} if after is None else {"after": after}))
        return self.hear("subscribed")

    def seqs(self, count: int) -> list[int]:
        return [self.read()["seq"] for _ in range(count)]

    def code(self) -> int:
        with pytest.raises(ConnectionClosed) as closed:
            self._read_on()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    def _read_on(self) -> None:
        while True:
            self.read()

    def is_silent(self) -> bool:
        """Nothing but the answer comes."""
        self.say("ping", timestamp=1)
        return self.read() == {"type": "pong", "timestamp": 1}


Listen = Callable[..., Ear]


@pytest.fixture
def dial(server: Server) -> Iterator[Callable[..., ClientConnection]]:
    with ExitStack() as opened:

        def open_socket(**options: Any) -> ClientConnection:
            url = server.url.replace("http", "ws", 1) + "/ws/threads"
            return opened.enter_context(connect(url, proxy=None, **options))

        yield open_socket


@pytest.fixture
def listen(dial: Callable[..., ClientConnection]) -> Listen:
    return lambda member: Ear(dial(additional_headers=member.headers))


def epoch_of(talk: Talk) -> str:
    epoch: str = talk.owner.get(f"/{talk.id}/range").json["epoch"]
    return epoch


def test_a_member_is_told_what_came_after_their_place_and_what_comes(talk: Talk, listen: Listen, patient: Member):
    talk.say(patient, 3)
    ear = listen(talk.owner)
    assert ear.member == talk.owner.member
    told = ear.follow(talk, f"{epoch_of(talk)}:2")
    assert told == {
        "type": "subscribed",
        "threadId": talk.id,
        "epoch": epoch_of(talk),
        "lastSeq": 4,
        "ackedSeq": 0,
        "kid": "k1",
    }
    assert ear.seqs(2) == [3, 4]
    talk.say(patient, 2)
    assert ear.seqs(2) == [5, 6]
    assert ear.is_silent()


def test_without_a_place_only_what_comes_is_told(talk: Talk, listen: Listen, patient: Member):
    talk.say(patient, 3)
    ear = listen(talk.owner)
    ear.follow(talk)
    talk.say(patient)
    assert ear.seqs(1) == [5]


def test_an_item_is_the_same_by_every_way(talk: Talk, listen: Listen, patient: Member, server: Server):
    ear = listen(talk.owner)
    ear.follow(talk, "0")
    talk.say(patient, 2)
    by_socket = [ear.socket.recv(timeout=10) for _ in range(3)]
    plain = {"headers": talk.owner.headers, "timeout": 10}
    recent, again = (httpx.get(f"{server.url}{API}/{talk.id}/{way}", **plain).text for way in ("recent", "range"))
    items = ",".join(str(one) for one in by_socket)
    assert f'"items":[{items}]' in recent
    assert f'"items":[{items}]' in again
    polled = httpx.get(f"{server.url}{API}/{talk.id}/range", params={"after": "0", "wait": 5}, **plain).text
    assert f'"items":[{items}]' in polled
    with httpx.stream("GET", f"{server.url}{API}/{talk.id}/events?after=0", **plain) as stream:
        lines = (line for line in stream.iter_lines() if line.startswith(("data:", "id:")))
        told = [next(lines) for _ in range(7)]
    assert told[0] == f"id: {epoch_of(talk)}:0"
    assert [line.removeprefix("data: ") for line in told[2::2]] == by_socket
    assert told[1::2] == [f"id: {epoch_of(talk)}:{seq}" for seq in (1, 2, 3)]


def test_several_threads_are_followed_at_once_each_in_its_order(
    talk: Talk, listen: Listen, nurse: Member, patient: Member
):
    other = begin_talk(nurse, patient)
    ear = listen(patient)
    ear.say("subscribe", threads=[{"threadId": talk.id, "after": "0"}, {"threadId": other.id}, {"threadId": "x"}])
    kinds = [ear.read() for _ in range(4)]
    assert sorted(one["type"] for one in kinds) == ["error", "subscribed", "subscribed", "system"]
    for _ in range(10):
        talk.say(nurse)
        other.say(nurse)
    heard: dict[str, list[int]] = {}
    for _ in range(20):
        item = ear.read()
        heard.setdefault(item["threadId"], []).append(item["seq"])
    assert heard == {talk.id: list(range(2, 12)), other.id: list(range(2, 12))}


def test_acknowledging_and_leaving_over_the_socket(talk: Talk, listen: Listen, patient: Member, nurse: Member):
    talk.say(nurse, 2)
    ear = listen(patient)
    ear.follow(talk)
    for seq, acked in ((3, 3), (2, 3)):
        ear.say("ack", threadId=talk.id, seq=seq)
        assert ear.hear("acked") == {"type": "acked", "threadId": talk.id, "ackedSeq": acked}
    ear.say("unsubscribe", threadId=talk.id)
    assert ear.hear("unsubscribed") == {"type": "unsubscribed", "threadId": talk.id, "reason": "asked"}
    talk.say(nurse)
    assert ear.is_silent()
    ear.say("unsubscribe", threadId=talk.id)
    assert ear.hear("error")["code"] == "NOT_SUBSCRIBED"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "subscribe"}, "THREAD_NOT_FOUND"),
        ({"type": "subscribe", "threadId": "A" * 22}, "THREAD_NOT_FOUND"),
        ({"type": "subscribe", "threadId": 7}, "THREAD_NOT_FOUND"),
        ({"type": "subscribe", "threads": []}, "VALIDATION_FAILED"),
        ({"type": "subscribe", "threads": [7]}, "THREAD_NOT_FOUND"),
        ({"type": "subscribe", "threads": [{}] * 101}, "VALIDATION_FAILED"),
        ({"type": "subscribe", "threadId": "{t}", "after": "what"}, "VALIDATION_FAILED"),
        ({"type": "ack", "threadId": "{t}", "seq": 99}, "VALIDATION_FAILED"),
        ({"type": "ack", "threadId": "{t}", "seq": True}, "VALIDATION_FAILED"),
        ({"type": "ack", "threadId": "A" * 22, "seq": 1}, "THREAD_NOT_FOUND"),
        ({"type": "shout"}, "UNKNOWN_TYPE"),
    ],
    ids=str,
)
def test_a_mistake_is_told_and_the_socket_stays(talk: Talk, listen: Listen, frame: dict[str, Any], code: str):
    ear = listen(talk.owner)
    ear.say(
        **{name: talk.id if value == "{t}" else value for name, value in frame.items() if name != "type"},
        type_=frame["type"],
    )
    assert ear.hear("error")["code"] == code
    assert ear.is_silent()


def test_the_same_thread_twice_is_told(talk: Talk, listen: Listen):
    ear = listen(talk.owner)
    ear.follow(talk)
    ear.say("subscribe", threadId=talk.id)
    assert ear.hear("error")["code"] == "ALREADY_SUBSCRIBED"


def test_a_stranger_follows_nothing(talk: Talk, listen: Listen, doctor: Member):
    ear = listen(doctor)
    ear.say("subscribe", threadId=talk.id)
    assert ear.hear("error") == {"type": "error", "code": "THREAD_NOT_FOUND", "threadId": talk.id}


def test_a_removed_member_hears_of_it_and_nothing_after(talk: Talk, listen: Listen, nurse: Member, patient: Member):
    other = begin_talk(nurse, patient)
    ear, stays = listen(patient), listen(nurse)
    for talked in (talk, other):
        ear.follow(talked)
    stays.follow(talk)
    body = {"memberId": patient.member, "keyset": talk.keyset("k2", [nurse.device])}
    assert nurse.post(f"/{talk.id}/members/remove", body).status_code == 200
    item = ear.hear("system")
    assert (item["event"], item["data"]) == ("member_removed", {"memberId": patient.member})
    assert ear.hear("unsubscribed") == {"type": "unsubscribed", "threadId": talk.id, "reason": "removed"}
    assert [stays.read()["event"] for _ in range(2)] == ["member_removed", "key"]
    other.say(nurse)
    assert ear.read()["threadId"] == other.id


def test_whoever_was_removed_and_came_back_reads_over_it(talk: Talk, listen: Listen, nurse: Member, patient: Member):
    body = {"memberId": patient.member, "keyset": talk.keyset("k2", [nurse.device])}
    nurse.post(f"/{talk.id}/members/remove", body)
    joined = {"memberId": patient.member, "role": "writer", "history": "all"}
    assert nurse.post(f"/{talk.id}/members", joined).status_code == 201
    ear = listen(patient)
    ear.follow(talk, "0")
    assert [ear.read()["event"] for _ in range(4)] == ["key", "member_removed", "key", "member_added"]
    assert ear.is_silent()


def test_whoever_came_without_the_history_hears_none_of_it(
    talk: Talk, listen: Listen, nurse: Member, doctor: Member, patient: Member
):
    doctor.register()
    talk.say(nurse, 3)
    keyset = talk.keyset("k2", [nurse.device, patient.device, doctor.device])
    joined = {"memberId": doctor.member, "role": "writer", "history": "from_now", "keyset": keyset}
    assert nurse.post(f"/{talk.id}/members", joined).status_code == 201
    for place in ("0", f"{epoch_of(talk)}:1"):
        ear = listen(doctor)
        ear.follow(talk, place)
        assert ear.seqs(2) == [5, 6]
    ear = listen(doctor)
    ear.follow(talk, "00000000ffffffff:3")  # of a life that is over
    resync = ear.hear("resync")
    assert (resync["firstSeq"], resync["lastSeq"], resync["reason"]) == (5, 6, "epoch")
    assert ear.seqs(2) == [5, 6]


def test_a_closed_thread_is_told_and_left(talk: Talk, listen: Listen, patient: Member, nurse: Member):
    ear = listen(patient)
    ear.follow(talk)
    assert nurse.ask("DELETE", f"/{talk.id}").status_code == 204
    assert ear.hear("system")["event"] == "closed"
    assert ear.hear("unsubscribed")["reason"] == "closed"


def test_a_place_that_was_trimmed_goes_on_with_what_is_held(
    talk: Talk, listen: Listen, nurse: Member, engine: Engine, redis_client: redis.Redis
):
    talk.say(nurse, 4)
    with engine.begin() as connection:
        connection.execute(text("update welno.welno_threads set trimmed_seq = 3"))
        connection.execute(text("update welno.welno_thread_items set payload = null where seq <= 3"))
    redis_client.delete(*redis_client.keys("stream:*"))
    ear = listen(nurse)
    ear.follow(talk, f"{epoch_of(talk)}:1")
    resync = ear.hear("resync")
    assert (resync["firstSeq"], resync["lastSeq"], resync["reason"]) == (4, 5, "trimmed")
    assert ear.seqs(2) == [4, 5]
    page = nurse.get(f"/{talk.id}/range", fromSeq=2).json
    assert page["missing"] == {"fromSeq": 2, "toSeq": 3, "reason": "trimmed"}


def test_a_login_that_is_taken_back_closes_the_socket(app: Flask, talk: Talk, listen: Listen, engine: Engine):
    ear = listen(talk.owner)
    ear.follow(talk)
    staff_id = talk.owner.member.removeprefix("staff:")
    with engine.connect() as connection:
        query = text("select sid from welno.logins where principal_id = :id")
        sid = connection.execute(query, {"id": staff_id}).scalar_one()
    with parts(app).stores.unit_of_work() as work:
        end_login(work, sid, RevokedWhy.SIGNED_OUT)
    assert ear.code() == 4401


@pytest.fixture
def again(app: Flask, owner: Person) -> Person:
    """The patient, at another browser."""
    person = arrive(app)
    collect(app, person, [], [])
    assert person.patient_uuid == owner.patient_uuid
    return person


def end_the_listed(owner: Person, again: Person) -> TestResponse:
    path = f"/patients/{again.patient_uuid}/sessions"
    other = next(one["id"] for one in again.ask("GET", path).json["items"] if not one["current"])
    return again.ask("DELETE", f"{path}/{other}")


SIX = {"password": "592704"}
ENDS: dict[str, Callable[[Person, Person], TestResponse]] = {
    "signed out": lambda owner, again: owner.ask("POST", "/patients/sign-out"),
    "deleted": lambda owner, again: owner.session("DELETE"),
    "ended from the list": end_the_listed,
    "all others ended": lambda owner, again: again.ask("DELETE", f"/patients/{again.patient_uuid}/sessions"),
    "a password set": lambda owner, again: again.ask("POST", f"/patients/{again.patient_uuid}/password/set", json=SIX),
    "erased": lambda owner, again: again.ask("DELETE", f"/patients/{again.patient_uuid}", json={}),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_a_patient_follows_ends_with_their_session_within_a_second(
    listen: Listen, talk: Talk, patient: Member, owner: Person, again: Person, how: str
):
    ear = listen(patient)
    ear.follow(talk)
    assert ENDS[how](owner, again).status_code < 300
    ended_at = clock.now()
    assert ear.code() == 4401
    assert clock.now() - ended_at < timedelta(seconds=1)


@pytest.mark.parametrize("how", ["signed out", "ended from the list", "all others ended", "a password reset"])
def test_what_a_patient_follows_by_password_ends_with_it_within_a_second(
    app: Flask, listen: Listen, talk: Talk, owner: Person, how: str
):
    path = f"/patients/{owner.patient_uuid}/password"
    assert owner.ask("POST", f"{path}/set", json=SIX).status_code == 201
    token = owner.ask("POST", f"{path}/verify", json=SIX).json["access_token"]
    visitor = Person(app.test_client(use_cookies=False), owner.session_id, token, owner.patient_uuid)
    ear = listen(Member(visitor.client, visitor.bearer))
    ear.follow(talk)
    reset = owner.ask("POST", f"{path}/reset", json=SIX) if how == "a password reset" else ENDS[how](visitor, owner)
    assert reset.status_code < 300
    ended_at = clock.now()
    assert ear.code() == 4401
    assert clock.now() - ended_at < timedelta(seconds=1)


def known_by(app: Flask, person: Person) -> KnownMember:
    with app.test_request_context(headers=person.bearer):
        return require_known()


def test_what_a_patient_follows_ends_by_time_with_their_session_and_prolongs_it(app: Flask, owner: Person):
    authority, right = ThreadAuthority(parts(app).stores), ThreadRight(known_by(app, owner))
    soon = clock.now() + timedelta(minutes=3)
    change_run(app, owner.session_id, expires_at=soon)
    assert authority.review([right]) == [None]
    with parts(app).stores.sessions() as session:
        assert session.get_one(CollectionRun, UUID(owner.session_id)).expires_at > soon + timedelta(minutes=20)
    change_run(app, owner.session_id, expires_at=clock.now())
    assert authority.review([right]) == [4401]


def test_a_token_may_come_as_a_sub_protocol(dial: Callable[..., ClientConnection], nurse: Member, owner: Person):
    token = nurse.headers["Authorization"].removeprefix("Bearer ")
    for one, member in ((token, nurse.member), (owner.token, f"patient:{owner.patient_uuid}")):
        socket = dial(subprotocols=["welno.v1", f"welno.token.{one}"])
        assert socket.subprotocol == "welno.v1"
        assert Ear(socket).member == member


def test_who_is_not_known_is_refused_by_a_code(
    dial: Callable[..., ClientConnection], owner: Person, staff: dict[str, str]
):
    cookie = {"Cookie": f"welno_session={owner.token}"}
    refused = [
        (dial(origin=ORIGIN), 4401),
        (dial(), 4401),
        (dial(origin="http://evil.test"), 4401),
        (dial(additional_headers=staff), 4401),
        (dial(additional_headers=cookie, origin="http://evil.test"), 4403),
        (dial(additional_headers=cookie), 4403),
    ]
    for socket, code in refused:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
    assert Ear(dial(additional_headers=cookie, origin=ORIGIN)).member == f"patient:{owner.patient_uuid}"


def test_redis_that_is_emptied_all_the_while_costs_no_reader_an_item(
    talk: Talk, listen: Listen, nurse: Member, redis_client: redis.Redis
):
    ear = listen(nurse)
    ear.follow(talk, "0")
    stopped = threading.Event()

    def empty() -> None:
        while not stopped.wait(0.01):
            redis_client.delete(*(redis_client.keys("stream:*") or ["none"]))

    emptier = threading.Thread(target=empty)
    emptier.start()
    try:
        for _ in range(30):
            talk.say(nurse, 2)
    finally:
        stopped.set()
        emptier.join()
    assert ear.seqs(61) == list(range(1, 62))


def test_a_long_poll_answers_when_something_comes(talk: Talk, nurse: Member, server: Server):
    url, answers = f"{server.url}{API}/{talk.id}/range", []

    def wait() -> None:
        query: dict[str, Any] = {"after": f"{epoch_of(talk)}:1", "wait": 10}
        answers.append(httpx.get(url, params=query, headers=nurse.headers, timeout=20).json())

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: server.sample("welno_relay_subscriptions") > 0)
    talk.say(nurse)
    waiting.join(20)
    assert [one["seq"] for one in answers[0]["items"]] == [2]
    nothing = httpx.get(url, params={"after": "2", "wait": 0.1}, headers=nurse.headers, timeout=20).json()
    assert (nothing["items"], nothing["lastSeq"]) == ([], 2)


def test_one_sees_only_ones_own_requests_in_a_created_thread(nurse: Member, doctor: Member):
    request = str(uuid.uuid4())
    first, second = (one.post("", {"requestId": request, "members": []}).json["threadId"] for one in (nurse, doctor))
    assert first != second


# Last: web processes believe an epoch for a second.
def test_a_new_epoch_is_told_to_live_readers_once_and_everything_follows(
    app: Flask, talk: Talk, listen: Listen, nurse: Member
):
    ear = listen(nurse)
    ear.follow(talk, "0")
    assert ear.seqs(1) == [1]
    old = epoch_of(talk)
    with parts(app).stores.unit_of_work() as work:
        epoch = begin_epoch(work.session, clock.now())
    assert epoch != old
    wait_until(lambda: talk.owner.get(f"/{talk.id}/range").json["epoch"] == epoch)
    talk.say(nurse)
    resync = ear.hear("resync")
    assert (resync["epoch"], resync["firstSeq"], resync["reason"]) == (epoch, 1, "epoch")
    assert ear.seqs(2) == [1, 2]


def test_whoever_commands_without_an_end_is_refused_and_the_socket_stays(
    app: Flask, talk: Talk, listen: Listen, nurse: Member
):
    ear = listen(nurse)
    ear.follow(talk)
    spend_acts(app, nurse)
    for command in ({"type": "ack", "seq": 1}, {"type": "subscribe"}, {"type": "unsubscribe"}):
        ear.say(command.pop("type"), threadId=talk.id, **command)
        assert ear.hear("error") == {"type": "error", "code": "RATE_LIMITED", "threadId": talk.id}
    talk.say(nurse)
    assert ear.seqs(1) == [2]


def test_a_refused_subscription_is_audited_as_such(talk: Talk, listen: Listen, nurse: Member, engine: Engine):
    ear = listen(nurse)
    ear.follow(talk)
    ear.say("subscribe", threadId=talk.id)
    assert ear.hear("error")["code"] == "ALREADY_SUBSCRIBED"
    query = "select result from welno.welno_thread_audit where thread_id = :id and action = 'subscribe' order by n"
    with engine.connect() as connection:
        assert list(connection.scalars(text(query), {"id": talk.id})) == ["ok", "ALREADY_SUBSCRIBED"]


def test_a_burst_of_subscriptions_is_answered_for_each_thread(listen: Listen, nurse: Member):
    ear, many = listen(nurse), [encode_bytes(bytes([number]) * 16) for number in range(40)]
    for thread_id in many:
        ear.say("subscribe", threadId=thread_id)
    told = [ear.hear("error") for _ in many]
    assert [(one["threadId"], one["code"]) for one in told] == [(one, "THREAD_NOT_FOUND") for one in many]
