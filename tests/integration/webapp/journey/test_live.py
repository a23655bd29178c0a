"""The journey's sockets behind a real gunicorn: who may follow, what they are told, what they may command."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from models.accounts import RevokedWhy
from models.journey import Exam
from services.accounts.logins import revoke_login
from tests.integration.services.journey.hospital import Hospital
from tests.integration.webapp.people import ORIGIN, Person
from tests.integration.webapp.server import Server
from tests.plain_http import NO_TLS
from tests.repetition import bound_examples
from webapp.current import parts, stores

from .conftest import HALL_KEY, Desk, Phone, phone_of
from .test_actions import REGISTER, SCAN, arrive, perform

JOURNEY = "/ws/patient-journey/"
Dial = Callable[..., ClientConnection]


@pytest.fixture
def dial(server: Server) -> Iterator[Dial]:
    with ExitStack() as opened:

        def open_socket(path: str, token: str | None = None, *, at: Server = server, **more: Any) -> ClientConnection:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = at.url.replace("http", "ws", 1) + path
            return opened.enter_context(connect(url, proxy=None, additional_headers=headers, **more))

        yield open_socket


def hear(socket: ClientConnection, kind: str | None = None) -> dict[str, Any]:
    """The next frame, or the next of this type."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if kind is None or frame["type"] == kind:
            return frame


def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        read_all(socket)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def read_all(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=10)


def command(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def test_a_phone_is_greeted_with_its_state_and_told_every_step(dial: Dial, phone: Phone):
    socket = dial(JOURNEY, phone.pair.access_token)
    greeting = hear(socket)
    assert (greeting["type"], greeting["payload"]["journey_state"], greeting["last_seq"]) == (
        "initial_state",
        "UNREGISTERED",
        0,
    )
    perform(phone, json=SCAN)
    event = hear(socket)
    assert (event["type"], event["seq"], event["epoch"]) == ("state_update", 1, greeting["epoch"])
    assert (event["payload"]["action"], event["payload"]["trigger_type"]) == ("scan_nfc", "nfc_tag")
    assert event["payload"]["journey_state"] == "ARRIVED"


def test_a_token_may_come_as_a_sub_protocol_and_the_slash_is_optional(dial: Dial, phone: Phone):
    socket = dial("/ws/patient-journey", subprotocols=["welno.v1", f"welno.token.{phone.pair.access_token}"])
    assert socket.subprotocol == "welno.v1"
    assert hear(socket)["type"] == "initial_state"


def test_an_action_over_the_socket_is_answered_and_told(dial: Dial, phone: Phone):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    command(socket, command="perform_action", request_id="r-1", **SCAN)
    frames = {frame["type"]: frame for frame in (hear(socket), hear(socket))}
    result, event = frames["action_result"], frames["state_update"]
    assert (result["success"], result["request_id"]) == (True, "r-1")
    assert result["payload"]["last_seq"] == event["seq"] == 1
    command(socket, command="fetch_initial_state")
    assert hear(socket, "initial_state")["payload"]["journey_state"] == "ARRIVED"
    command(socket, command="ping")
    assert hear(socket)["type"] == "pong"
    command(socket, type="ping", timestamp=5)
    assert hear(socket) == {"type": "pong", "timestamp": 5}


@pytest.mark.parametrize(
    ("frame", "expected", "field"),
    [
        (REGISTER, "INVALID_ACTION", "journey_state"),
        ({"action_type": "fly"}, "UNKNOWN_ACTION", None),
        ({"action_type": "call_patient"}, "FORBIDDEN_ACTION", None),
        ({}, "VALIDATION_FAILED", "action_type"),
        (SCAN | {"payload": []}, "VALIDATION_FAILED", "payload"),
        (SCAN | {"patient_id": str(uuid4())}, "VALIDATION_FAILED", "patient_id"),
        (SCAN | {"expected_state": "PAYMENT"}, "STATE_CONFLICT", "journey_state"),
        (SCAN | {"payload": {"tag_id": "a\x00b"}}, "VALIDATION_FAILED", "payload"),
    ],
)
def test_a_command_that_is_refused_says_why_and_the_socket_stays(
    dial: Dial, phone: Phone, frame: dict[str, Any], expected: str, field: str | None
):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    command(socket, command="perform_action", request_id="r-1", **frame)
    result = hear(socket)
    assert (result["type"], result["success"], result["code"]) == ("action_result", False, expected)
    assert (result["request_id"], "payload" in result) == ("r-1", False)
    assert result["error"]
    assert field is None or field in result["details"]
    command(socket, command="ping")
    assert hear(socket)["type"] == "pong"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("no json", "BAD_JSON"),
        ("[]", "NOT_AN_OBJECT"),
        ("{}", "UNKNOWN_TYPE"),
        ('{"command": "fly"}', "UNKNOWN_TYPE"),
        (b"binary", "NOT_TEXT"),
    ],
)
def test_a_frame_that_is_none_is_answered_and_the_socket_stays(
    dial: Dial, phone: Phone, sent: str | bytes, expected: str
):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    socket.send(sent)
    assert hear(socket)["code"] == expected
    command(socket, command="ping")
    assert hear(socket)["type"] == "pong"


def test_commands_are_answered_in_order_and_only_a_few_may_wait(dial: Dial, phone: Phone):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    for number in range(40):
        command(socket, command="perform_action", request_id=str(number), **REGISTER)
    frames = [hear(socket) for _ in range(40)]
    answered = [int(frame["request_id"]) for frame in frames if frame["type"] == "action_result"]
    refused = [frame for frame in frames if frame["type"] == "error"]
    assert answered == sorted(answered)
    assert len(answered) >= 8
    assert {frame["code"] for frame in refused} <= {"TOO_MANY_COMMANDS"}
    assert len(answered) + len(refused) == 40


def test_the_same_key_over_socket_and_http_is_one_action(dial: Dial, phone: Phone):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    command(socket, command="perform_action", idempotency_key="k-1", **SCAN)
    result = hear(socket, "action_result")
    again = perform(phone, json=SCAN | {"idempotency_key": "k-1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json["last_seq"] == result["payload"]["last_seq"]


def test_a_socket_that_comes_back_misses_nothing(dial: Dial, phone: Phone):
    socket = dial(JOURNEY, phone.pair.access_token)
    epoch = hear(socket)["epoch"]
    perform(phone, json=SCAN)
    assert hear(socket)["seq"] == 1
    socket.close()
    perform(phone, json=REGISTER)
    phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"})
    back = dial(f"{JOURNEY}?after_seq={epoch}:1", phone.pair.access_token)
    assert hear(back)["payload"]["journey_state"] == "WAITING"
    assert [hear(back)["seq"] for _ in range(2)] == [2, 3]


def test_a_place_that_is_gone_is_answered_by_the_greeting_again(dial: Dial, phone: Phone):
    perform(phone, json=SCAN)
    socket = dial(f"{JOURNEY}?after_seq={'0' * 32}:1", phone.pair.access_token)
    assert [hear(socket)["type"] for _ in range(2)] == ["initial_state", "initial_state"]


def test_a_call_is_a_step_and_then_the_call_itself(dial: Dial, phone: Phone, desk: Desk):
    arrive(phone)
    entry = phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"}).json["queue"]
    journey = dial(JOURNEY, phone.pair.access_token)
    line = dial(f"/ws/queue/{entry['queue_id']}/", phone.pair.access_token)
    assert hear(journey)["type"] == "initial_state"
    greeting = hear(line)
    assert (greeting["type"], "seq" in greeting, greeting["data"]["position"]) == ("queue.update", False, 1)
    desk.ask("POST", "/queue/medical/call-patient/", json={"exam_id": "EX-BLOOD"})
    assert [hear(journey)["type"] for _ in range(2)] == ["state_update", "patient_called"]
    assert hear(line, "patient_called")["data"]["queue_number"] == 1
    update = hear(line, "queue.update")
    assert (update["data"]["state"], update["data"]["position"]) == ("called", 0)


@pytest.mark.parametrize("path", [JOURNEY, "/ws/queue/{queue_id}/", "/ws/exam/EX-BLOOD/", "/ws/hall/HALL-1/"])
def test_who_shows_nothing_or_nonsense_is_refused(dial: Dial, phone: Phone, path: str):
    for token in (None, "nonsense", phone.pair.refresh_token):
        assert close_code(dial(path.format(queue_id=uuid4()), token)) == 4401


@pytest.mark.parametrize("path", [JOURNEY, "/ws/exam/EX-BLOOD/", "/ws/hall/HALL-1/"])
def test_a_page_of_another_site_is_refused_whatever_it_shows(dial: Dial, phone: Phone, desk: Desk, path: str):
    token = {JOURNEY: phone.pair.access_token, "/ws/exam/EX-BLOOD/": desk.token}.get(path, HALL_KEY)
    assert close_code(dial(path, token, origin="https://evil.test")) == 4403
    assert "type" in hear(dial(path, token, origin=ORIGIN))


def test_the_token_of_the_records_opens_no_socket(dial: Dial, owner: Person, people: list[UUID]):
    assert close_code(dial(JOURNEY, owner.token)) == 4401


def test_what_is_anothers_or_not_of_the_role_is_unknown(
    dial: Dial, phone: Phone, other_phone: Phone, desk: Desk, chief: Desk
):
    arrive(phone)
    queue_id = phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"}).json["queue"]["queue_id"]
    hall = chief.ask("POST", "/admin/displays", json={"display_id": "HALL-2", "title": "2층", "exam_ids": []}).json
    other = other_phone.pair.access_token
    for path, token in (
        (f"/ws/queue/{queue_id}/", other),
        (f"/ws/queue/{uuid4()}/", other),
        ("/ws/queue/no-uuid/", other),
        ("/ws/exam/EX-BLOOD/", other),
        ("/ws/exam/EX-NONE/", desk.token),
        (JOURNEY, desk.token),
        ("/ws/hall/HALL-1/", hall["key"]),
    ):
        assert close_code(dial(path, token)) == 4404, path
    assert hear(dial(f"/ws/queue/{queue_id}/", desk.token))["type"] == "queue.update"


def test_a_desk_may_follow_a_line_of_any_length(app: Flask, dial: Dial, desk: Desk):
    """What greets it has to fit into a frame: the beginning, and how many there are."""
    with parts(app).stores.unit_of_work() as work:
        hospital = Hospital(work.session)
        exam = work.session.get_one(Exam, "EX-BLOOD")
        for number in range(1, 301):
            hospital.entry(exam, queue_number=number, place=number)
    board = hear(dial("/ws/exam/EX-BLOOD/", desk.token))["data"]
    assert board["waiting_count"] == 300
    assert [entry["queue_number"] for entry in board["queues"]] == list(range(1, 31))
    assert len(desk.ask("GET", "/board/EX-BLOOD").json["queues"]) == 300


def test_a_board_and_a_hall_name_nobody(dial: Dial, phone: Phone, desk: Desk):
    arrive(phone)
    phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"})
    board = hear(dial("/ws/exam/EX-BLOOD/", desk.token))
    hall = hear(dial("/ws/hall/HALL-1/", HALL_KEY))
    assert (board["type"], [entry["queue_number"] for entry in board["data"]["queues"]]) == ("board", [1])
    assert hall["type"] == "hall"
    assert [room["next"] for room in hall["data"]["rooms"] if room["exam_id"] == "EX-BLOOD"] == [[1]]
    for frame in (board, hall):
        assert "시연001" not in json.dumps(frame, ensure_ascii=False)


@pytest.fixture(scope="module")
def other_server(demo_env: dict[str, str], server_home: Path) -> Iterator[Server]:
    with Server(demo_env, server_home / "other_web.log") as started:
        yield started


def test_whoever_loses_the_login_loses_its_sockets_on_every_process_within_a_second(
    app: Flask, server: Server, other_server: Server, dial: Dial, phone: Phone, people: list[UUID]
):
    lost = [dial(JOURNEY, phone.pair.access_token, at=one) for one in (server, other_server)]
    kept = dial(JOURNEY, phone_of(app, people[0]).pair.access_token)
    [hear(socket) for socket in (*lost, kept)]
    began = time.monotonic()
    assert phone.ask("POST", "/auth/logout").status_code == 204
    assert [close_code(socket) for socket in lost] == [4401, 4401]
    assert time.monotonic() - began < 1.5
    command(kept, command="ping")
    assert hear(kept)["type"] == "pong"
    assert close_code(dial(JOURNEY, phone.pair.access_token)) == 4401


@pytest.mark.parametrize("frame", [{"command": "fetch_initial_state"}, {"command": "perform_action"} | SCAN])
def test_a_login_that_ended_unheard_commands_nothing(app: Flask, dial: Dial, phone: Phone, frame: dict[str, Any]):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)
    with app.app_context(), stores().sessions.begin() as session:  # nobody is told
        revoke_login(session, phone.sid, RevokedWhy.SIGNED_OUT)
    command(socket, **frame)
    frames: list[str] = []
    with pytest.raises(ConnectionClosed) as closed:
        frames.extend(hear(socket)["type"] for _ in range(9))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert "initial_state" not in frames


def test_reuse_a_disabled_account_and_a_revoked_display_close_sockets_at_once(
    dial: Dial, phone: Phone, desk: Desk, chief: Desk
):
    sockets = [
        dial(JOURNEY, phone.pair.access_token),
        dial("/ws/exam/EX-BLOOD/", desk.token),
        dial("/ws/hall/HALL-1/", HALL_KEY),
    ]
    [hear(socket) for socket in sockets]
    began = time.monotonic()
    phone.refresh()
    phone.refresh()
    chief.ask("PATCH", f"/admin/staff/{desk.staff_id}", json={"is_active": False})
    chief.ask("PATCH", "/admin/displays/HALL-1", json={"is_revoked": True})
    assert [close_code(socket) for socket in sockets] == [4401, 4401, 4401]
    assert time.monotonic() - began < 3


def test_polls_tell_the_same_as_the_socket(phone: Phone):
    began = phone.ask("GET", "/patient-journey/messages").json
    assert (began["messages"], began["last_seq"], began["resync"]) == ([], 0, False)
    perform(phone, json=SCAN)
    told = phone.ask("GET", f"/patient-journey/messages?after_seq={began['epoch'] or ''}:0").json
    assert [message["type"] for message in told["messages"]] == ["state_update"]
    gone = phone.ask("GET", f"/patient-journey/messages?after_seq={'0' * 32}:1").json
    assert (gone["resync"], gone["state"]["type"]) == (True, "initial_state")
    assert phone.ask("GET", "/patient-journey/messages?after_seq=x").status_code == 400


def test_polls_of_a_line_and_a_hall_are_for_whom_they_are(phone: Phone, desk: Desk, app: Flask):
    assert desk.ask("GET", "/board/EX-BLOOD/messages").status_code == 200
    assert phone.ask("GET", "/board/EX-BLOOD/messages").status_code == 403
    assert desk.ask("GET", "/board/EX-NONE/messages").status_code == 404
    client, key = app.test_client(), {"Authorization": f"Bearer {HALL_KEY}"}
    assert client.get("/api/v1/hall/HALL-1/messages", headers=key).status_code == 200
    assert client.get("/api/v1/hall/HALL-9/messages", headers=key).status_code == 404
    assert client.get("/api/v1/hall/HALL-1/messages").status_code == 401


def test_events_stream_as_server_sent_events(server: Server, phone: Phone):
    perform(phone, json=SCAN)
    perform(phone, json=REGISTER)
    url = f"{server.url}/api/v1/patient-journey/events"
    headers = phone.bearer | {"Last-Event-ID": "1"}
    with httpx.stream("GET", url, headers=headers, trust_env=False, verify=NO_TLS) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        line = next(line for line in answer.iter_lines() if line.startswith("data:"))
    assert json.loads(line.removeprefix("data:"))["seq"] == 2


def test_a_waiting_room_of_sockets_shares_one_address(
    demo_env: dict[str, str], server_home: Path, dial: Dial, phone: Phone
):
    env = demo_env | {"WELNO_SOCKETS_PER_ADDRESS": "1"}
    for networks, second in (("", 4429), ("127.0.0.0/8", None)):
        with Server(env | {"WELNO_HOSPITAL_NETWORKS": networks}, server_home / "crowded.log") as crowded:
            first = dial(JOURNEY, phone.pair.access_token, at=crowded)
            assert hear(first)["type"] == "initial_state"
            other = dial(JOURNEY, phone.pair.access_token, at=crowded)
            if second is None:
                assert hear(other)["type"] == "initial_state"
            else:
                assert close_code(other) == second


_NAMES = st.sampled_from(
    ["command", "type", "action_type", "payload", "expected_state", "idempotency_key", "request_id"]
)
_WORDS = st.sampled_from(
    ["perform_action", "fetch_initial_state", "register", "scan_nfc", "WAITING", "TAG-ENTRANCE", ""]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.repeated
def test_whatever_is_commanded_is_answered_and_the_socket_stays(dial: Dial, phone: Phone, is_full: bool):
    socket = dial(JOURNEY, phone.pair.access_token)
    hear(socket)

    @bound_examples(is_full=is_full, share=60, whole=200)
    @given(frame=st.dictionaries(_NAMES, _VALUES, max_size=5))
    def send(frame: dict[str, Any]) -> None:
        command(socket, **{"command": "perform_action"} | frame)
        answer = hear(socket)
        while answer["type"] == "state_update":
            answer = hear(socket)
        assert answer.get("code") != "COMMAND_FAILED", frame
        assert answer["type"] in {"action_result", "initial_state", "error"}

    send()
    command(socket, command="ping")
    assert hear(socket)["type"] in {"pong", "state_update"}
