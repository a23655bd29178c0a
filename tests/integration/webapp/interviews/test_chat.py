"""A chat behind a real gunicorn, with MISO's sandbox: what is relayed, how it breaks, and who leaves."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from dev.local.process import Process
from models.interviews import Interview, PersonaCombination
from services.interviews import chat_questions, row_security
from services.interviews.chat_questions import ChatQuestion, keep_conversation, make_question
from services.interviews.masking.masker import PatternMasker
from services.interviews.row_security import MemberWork
from tests.integration.interviews.company import World
from tests.integration.webapp.server import Server
from tests.waiting import wait_until, wait_until_blocked
from webapp.api.interviews.chat import BEGINS_WITHIN_SECONDS, CHATS_OF_ACCOUNT
from webapp.api.interviews.schemas.chat import ChatInput
from webapp.current import parts

from .chats import QUESTION, Answer, SandboxControl, add_completed, add_persona, answer_text, body_of, chatting
from .members import Member
from .statements import CONTENT, roles_of_statements

SILENCE_SECONDS = 6.0
SETTINGS = {"WELNO_MISO_CHAT_SILENCE_SECONDS": str(SILENCE_SECONDS), "WELNO_RELAY_SSE_COMMENT_SECONDS": "0.5"}


@pytest.fixture(scope="module")
def server(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Iterator[Server]:
    with Server(demo_env | SETTINGS, server_home / "chat.log") as started:
        yield started


@pytest.fixture
def control(sandbox_url: str) -> Iterator[SandboxControl]:
    made = SandboxControl(sandbox_url)
    yield made
    made.close()


@pytest.fixture
def persona(engine: Engine, world: World) -> UUID:
    """Of the company of mina, jun and vera; an interview of `food` speaks in it."""
    with Session(engine) as session, session.begin():
        made = add_persona(session, world.company)
        add_completed(session, world, world.food, "jun", made, "점심")
    return made


@pytest.fixture
def ask(server: Server, control: SandboxControl, persona: UUID) -> Iterator[Any]:
    """Opens answers, which are left at the end."""
    with ExitStack() as opened:

        def open_answer(member: Member, **more: Any) -> Answer:
            return opened.enter_context(chatting(server.url, member, body_of(persona, **more)))

        yield open_answer


def test_each_frame_comes_as_it_is_said_and_in_order(ask: Any, control: SandboxControl, vera: Member):
    control.fault(chunk_delay_seconds=0.15)
    began = time.monotonic()
    answer = ask(vera)
    first = answer.next_frame()
    assert time.monotonic() - began < 1.5
    frames = [first, *answer.frames()]
    assert time.monotonic() - began > 1.5
    assert (answer.response.status_code, frames[-2]["event"], frames[-1]) == (200, "message_end", "[DONE]")
    assert answer.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.response.headers["X-Accel-Buffering"] == "no"
    assert "결제할 때 어디에서" in answer_text(frames)
    assert {frame["task_id"] for frame in frames[:-1]} == {control.only_call()["task_id"]}


@pytest.mark.parametrize(
    ("manner", "events"),
    [
        ("cumulative", ["message_end", "[DONE]"]),
        ("replaced", ["message_replace", "message_end", "[DONE]"]),
        ("replaced_same", ["message", "message_end", "[DONE]"]),
        ("no_done", ["message", "message_end"]),
    ],
)
def test_every_manner_of_answering_is_relayed(
    ask: Any, control: SandboxControl, vera: Member, manner: str, events: list[str]
):
    control.fault(chat=manner)
    frames = ask(vera).frames()
    assert [frame if frame == "[DONE]" else frame["event"] for frame in frames][-len(events) :] == events


def test_an_agent_s_thoughts_and_pictures_are_relayed(ask: Any, control: SandboxControl, vera: Member):
    control.fault(chat="agent")
    frames = ask(vera).frames()
    assert [frame["event"] for frame in frames[:3]] == ["agent_thought", "message_file", "agent_message"]


@pytest.mark.parametrize(
    ("fault", "code", "details"),
    [
        ({"status": 503}, "MISO_UNAVAILABLE", {"response_status": 503, "provider_code": "service_unavailable"}),
        ({"status": 429}, "MISO_UNAVAILABLE", {"response_status": 429, "provider_code": "too_many_requests"}),
        ({"status": 500}, "MISO_UNAVAILABLE", {"response_status": 500, "provider_code": "internal_server_error"}),
        ({"status": 502, "html": True}, "MISO_UNAVAILABLE", {"response_status": 502}),
        ({"cut": "before"}, "MISO_UNAVAILABLE", None),
        ({"code": "app_unavailable"}, "MISO_REJECTED", {"response_status": 400, "provider_code": "app_unavailable"}),
        ({"status": 401}, "MISO_REJECTED", {"response_status": 401, "provider_code": "unauthorized"}),
    ],
    ids=str,
)
def test_an_error_before_the_answer_is_a_502(
    ask: Any, control: SandboxControl, vera: Member, fault: dict[str, Any], code: str, details: Any
):
    control.fault(**fault)
    response = ask(vera).response
    response.read()
    assert (response.status_code, response.json()["error"]["code"]) == (502, code)
    assert response.json()["error"].get("details") == details


def test_nothing_like_json_ends_without_a_word_of_it(ask: Any, control: SandboxControl, vera: Member):
    control.fault(malformed=True)
    assert [frame["code"] for frame in ask(vera).frames()] == ["MISO_ANSWER_LOST"]


def test_an_answer_that_breaks_off_ends_with_our_error(ask: Any, control: SandboxControl, vera: Member):
    control.fault(cut_after_chunks=3)
    frames = ask(vera).frames()
    assert [frame["event"] for frame in frames] == ["message"] * 3 + ["error"]
    assert (frames[-1]["code"], frames[-1]["message"]) == (
        "MISO_ANSWER_LOST",
        "답이 중간에 끊겼어요. 다시 물어봐 주세요.",
    )


def test_miso_s_own_late_error_is_the_last_frame(ask: Any, control: SandboxControl, vera: Member):
    control.fault(error_after_chunks=2)
    frames = ask(vera).frames()
    assert [frame["event"] for frame in frames] == ["message", "message", "error"]
    assert frames[-1]["code"] == "completion_request_error"


def test_pings_become_comments_and_are_signs_of_life(ask: Any, control: SandboxControl, vera: Member):
    control.fault(chat="pings_only", chunk_delay_seconds=0.2)
    blocks = ask(vera).blocks
    assert {next(blocks) for _ in range(10)} == {": alive"}


def test_without_a_frame_it_is_given_up_and_stopped(ask: Any, control: SandboxControl, vera: Member):
    control.fault(chunk_delay_seconds=60)
    answer = ask(vera)
    answer.next_frame()
    began = time.monotonic()
    blocks = list(answer.blocks)
    assert SILENCE_SECONDS - 1 < time.monotonic() - began < SILENCE_SECONDS + 2
    assert blocks[:5] == [": alive"] * 5
    assert "MISO_TIMEOUT" in blocks[-1]
    wait_until(lambda: control.only_call()["stopped"])


def test_the_answer_begins_after_five_seconds_and_then_tells_the_refusal(
    ask: Any, control: SandboxControl, vera: Member
):
    control.fault(delay_seconds=5.8, status=503)
    began = time.monotonic()
    answer = ask(vera)
    assert (answer.response.status_code, next(answer.blocks)) == (200, ": alive")
    assert time.monotonic() - began > 4.5  # and before MISO, or the status were another
    assert [frame["code"] for frame in answer.frames()] == ["MISO_UNAVAILABLE"]


def test_who_leaves_ends_the_answer_at_miso_within_two_seconds(
    server: Server, control: SandboxControl, persona: UUID, vera: Member
):
    control.fault(chunk_delay_seconds=0.2)
    with chatting(server.url, vera, body_of(persona)) as answer:
        answer.next_frame()
    began = time.monotonic()
    call = wait_until(lambda: next((one for one in control.calls() if one["delivered"] is False), None))
    assert time.monotonic() - began < 2
    assert wait_until(lambda: control.only_call()["stopped"])
    assert control.calls(path=f"/chat/{call['task_id']}/stop")[0]["user"] == call["user"]
    wait_until(lambda: server.sample("welno_chats_open") == 0)


def test_who_leaves_a_silent_answer_ends_it_too(server: Server, control: SandboxControl, persona: UUID, vera: Member):
    control.fault(chunk_delay_seconds=60)
    with chatting(server.url, vera, body_of(persona)) as answer:
        answer.next_frame()
    assert wait_until(lambda: control.only_call()["stopped"], 2)


def test_who_leaves_before_miso_has_answered_gives_the_place_back(
    server: Server, control: SandboxControl, persona: UUID, vera: Member
):
    control.fault(hold="before", hold_seconds=60, calls=CHATS_OF_ACCOUNT)
    for _ in range(CHATS_OF_ACCOUNT):
        with (
            httpx.Client(base_url=server.url, timeout=0.3) as client,
            pytest.raises(httpx.ReadTimeout),
        ):
            client.post("/api/chat", json=body_of(persona), headers={"Authorization": f"Bearer {vera.token}"})

    def is_served() -> bool:
        with chatting(server.url, vera, body_of(persona)) as answer:
            return answer.response.status_code == 200

    wait_until(is_served, BEGINS_WITHIN_SECONDS + 2, every=0.5)


def test_an_account_has_four_answers_at_once(ask: Any, control: SandboxControl, vera: Member, jun: Member):
    control.fault(chunk_delay_seconds=2)  # all go on while the last is asked for
    for _ in range(CHATS_OF_ACCOUNT):
        assert ask(vera).next_frame()["event"] == "message"
    refused = ask(vera).response
    refused.read()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TOO_MANY_CHATS")
    assert ask(jun).next_frame()["event"] == "message"


def test_what_is_asked_of_miso_is_masked_and_says_nothing_of_whom(ask: Any, control: SandboxControl, vera: Member):
    ask(vera, question="김하늘 님 번호가 010-1234-5678 맞나요?").frames()
    call = control.only_call()
    assert "[전화1]" in call["body"]
    for known in ("1234", "하늘", "vera", str(vera.name)):
        assert known not in call["body"]
    assert call["user"].startswith("acc-")


def test_a_conversation_calls_each_of_whom_it_asks_by_one_number(
    ask: Any, control: SandboxControl, engine: Engine, vera: Member
):
    """MISO keeps all its questions: [이름1] of the first is nobody else in the second."""
    first = ask(vera, question="김하늘 님과 [이름2]는 뭐라고 했나요?").frames()[0]["conversation_id"]
    for question in (
        "박서준 님은요?",
        "김하늘 님 말이 박서준 님과 같나요?",
        "김하 씨는요?",
        "김하나 씨와 김하 씨는요?",
    ):
        ask(vera, question=question, conversationId=first).frames()
    ask(vera, question="박서준 님은요?").frames()
    asked = [orjson.loads(call["body"])["query"] for call in control.calls()]
    assert asked == [
        "[이름1] 님과 [이름2]는 뭐라고 했나요?",
        "[이름3] 님은요?",
        "[이름1] 님 말이 [이름3] 님과 같나요?",
        "[이름4] 씨는요?",
        "[이름5] 씨와 [이름4] 씨는요?",
        "[이름1] 님은요?",
    ]
    with engine.begin() as connection:
        kept = connection.execute(text("select cast(t as text) from welno.conversations t")).scalars().all()
        connection.execute(text("update welno.conversations set placeholders = null"))  # as before they were kept
    assert not [row for row in kept if "하늘" in row or "서준" in row]
    ask(vera, question="박서준 님은요?", conversationId=first).frames()
    assert orjson.loads(control.calls()[-1]["body"])["query"] == "[이름] 님은요?"


def test_two_questions_at_once_use_no_number_twice(app: Flask, engine: Engine, world: World, persona: UUID):
    account = world.people["vera"]

    def make(member: MemberWork, name: str, conversation: str) -> ChatQuestion:
        return make_question(
            member, persona, f"{name} 님은요?", conversation, masker=PatternMasker(), pseudonym_key="an invented key"
        )

    with parts(app).stores.member_work(account) as member:
        keep_conversation(member, make(member, "김하늘", ""), "c-1")
    asked: list[str] = []

    def ask_about(name: str) -> None:
        with parts(app).stores.member_work(account) as member:
            asked.append(make(member, name, "c-1").query)
            wait_until_blocked(engine, 3 - len(asked))  # those who have not asked yet

    threads = [threading.Thread(target=ask_about, args=[name]) for name in ("박서준", "최유진", "이서연")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(asked) == [f"[이름{number}] 님은요?" for number in (2, 3, 4)]


def test_what_many_interviews_know_numbers_nobody(
    ask: Any, control: SandboxControl, engine: Engine, world: World, persona: UUID, vera: Member
):
    """Each has its own [이름1], and the question has another."""
    with Session(engine) as session, session.begin():
        add_completed(session, world, world.food, "jun", persona, "[이름1]의")
        session.get_one(PersonaCombination, persona).description = "[인터뷰2 이름1]처럼 바쁘다"
    ask(vera, question="김하늘 님은요?").frames()
    asked = orjson.loads(control.only_call()["body"])
    assert asked["query"] == "[이름1] 님은요?"
    inputs = asked["inputs"]
    assert inputs["persona_description"] == "[이름]처럼 바쁘다"
    for name, said in (("interview_insights", "알게 된 것"), ("pain_points", "아픈 곳"), ("needs", "바라는 것")):
        assert f"[이름]의 {said}" in inputs[name].split("\n")


def test_insights_are_of_the_account_s_own_projects(
    ask: Any, control: SandboxControl, engine: Engine, world: World, persona: UUID, mina: Member, vera: Member
):
    with Session(engine) as session, session.begin():
        add_completed(session, world, world.bank, "mina", persona, "송금")
        add_completed(session, world, world.food, "jun", None, "남의")
        add_completed(session, world, world.food, "jun", persona, "미완", status="processing")
        gone = {"deleted_at": "2026-11-20T00:00:00Z", "deleted_by": world.people["jun"]}
        add_completed(session, world, world.food, "jun", persona, "지운", **gone)
    for member in (mina, vera):
        ask(member).frames()
    of_mina, of_vera = (call["body"] for call in control.calls())
    assert "점심 알게 된 것" in of_vera
    assert "점심 아픈 곳" in of_vera
    assert "점심 바라는 것" in of_vera
    assert "송금 알게 된 것" in of_mina
    for hidden in ("송금", "남의", "미완", "지운"):
        assert hidden not in of_vera


def test_the_chat_s_route_is_under_row_security(app: Flask, persona: UUID, vera: Member):
    """In the app of the tests MISO is not reached: everything before it has been asked by then."""
    with roles_of_statements(parts(app).stores.engine) as seen:
        assert vera.ask("POST", "/api/chat", json=body_of(persona, conversationId="unknown")).status_code == 404
        vera.ask("POST", "/api/chat", json=body_of(persona))
    assert {role for role, _ in seen} == {"welno_member"}
    assert {"conversations", "interviews"} <= {table for table in CONTENT for _, said in seen if f".{table}" in said}


def test_a_service_that_forgot_its_where_tells_nothing_of_another_company(
    app: Flask, engine: Engine, world: World, persona: UUID, monkeypatch: pytest.MonkeyPatch
):
    with Session(engine) as session, session.begin():
        add_completed(session, world, world.secret, "sora", None, "비밀")
    everything = select(
        Interview.project_id, Interview.key_takeaways, Interview.primary_pain_points, Interview.primary_needs
    )
    monkeypatch.setattr(chat_questions, "_find_interviews", lambda session, *_: session.execute(everything).all())

    def insights() -> str:
        with parts(app).stores.member_work(world.people["vera"]) as member:
            asked = chat_questions.make_question(member, persona, "왜?", "", masker=PatternMasker(), pseudonym_key="k")
        return asked.inputs["interview_insights"]

    assert insights() == "점심 알게 된 것"
    # It is the role that did it: without one, the same service tells of the other's.
    monkeypatch.setattr(row_security, "_ENTER", text("select :role, :name, :value"))
    assert "비밀 알게 된 것" in insights()


def test_a_conversation_goes_on_for_its_account_and_persona_alone(
    ask: Any, control: SandboxControl, engine: Engine, world: World, vera: Member, jun: Member
):
    first = ask(vera).frames()[0]["conversation_id"]
    again = ask(vera, conversationId=first).frames()
    assert again[0]["conversation_id"] == first
    with Session(engine) as session, session.begin():
        other = add_persona(session, world.company, "P10")
    for member, more in (
        (jun, {"conversationId": first}),
        (vera, {"conversationId": "unknown"}),
        (vera, {"conversationId": first, "personaId": str(other)}),
    ):
        response = ask(member, **more).response
        response.read()
        assert (response.status_code, response.json()["error"]["code"]) == (404, "CONVERSATION_NOT_FOUND")
    assert len(control.calls()) == 2


def test_signing_out_ends_the_answer(ask: Any, control: SandboxControl, vera: Member):
    control.fault(chunk_delay_seconds=0.3)
    answer = ask(vera)
    answer.next_frame()
    vera.ask("POST", "/api/v1/accounts/logout")
    last = answer.frames()[-1]
    assert (last["event"], last["code"]) == ("error", "UNAUTHORIZED")
    assert wait_until(lambda: control.only_call()["stopped"])


def test_a_lost_membership_ends_the_answer(ask: Any, control: SandboxControl, world: World, mina: Member, vera: Member):
    control.fault(chunk_delay_seconds=0.3)
    answer = ask(vera)
    answer.next_frame()
    mina.ask("DELETE", f"/api/projects/{world.food}/members?accountId={world.people['vera']}")
    assert answer.frames()[-1]["code"] == "PERSONA_NOT_FOUND"


def test_nothing_of_it_stands_in_logs_or_metrics(
    ask: Any, server: Server, control: SandboxControl, persona: UUID, vera: Member, world: World
):
    control.fault(cut_after_chunks=3)
    frames = ask(vera).frames()
    said = [word for word in (QUESTION + answer_text(frames)).split() if len(word) > 1]
    written = server.log.read_text() + ask(vera).response.http_version
    counted = server.metrics()
    assert "/api/chat" in written
    assert 'reason="MISO_ANSWER_LOST",transport="chat"' in counted
    personal = (*said, frames[0]["conversation_id"], str(persona), str(world.people["vera"]), "vera@demo")
    assert [word for word in personal if word in written or word in counted] == []
    assert server.sample("welno_relay_closed_total", transport="chat", reason="MISO_ANSWER_LOST") >= 1


def test_a_process_that_stops_tells_the_reader_and_miso(
    control: SandboxControl, demo_env: dict[str, str], server_home: Path, persona: UUID, vera: Member
):
    control.fault(chunk_delay_seconds=0.3)
    with Server(demo_env, server_home / "chat-stopped.log") as stopping:
        process: Process = stopping.process
        with chatting(stopping.url, vera, body_of(persona)) as answer:
            answer.next_frame()
            process.send(process.stop_signal)
            assert answer.frames()[-1]["code"] == "STORE_UNAVAILABLE"
            assert wait_until(lambda: control.only_call()["stopped"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [{"role": "user", "content": "왜?"}]}, "personaId"),
        ({"messages": [{"role": "user", "content": "왜?"}], "personaId": "undefined"}, "personaId"),
        ({"messages": [], "personaId": "x"}, "messages"),
        ({"personaId": "x"}, "messages"),
        ({"messages": [{"role": "assistant", "content": "네"}], "personaId": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": " \n"}], "personaId": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": "가" * 4001}], "personaId": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": ["왜?"]}], "personaId": "x"}, "messages"),
        ({"messages": ["왜?"], "personaId": "x"}, "messages"),
        ({"messages": [{"role": "robot", "content": "왜?"}], "personaId": "x"}, "messages"),
    ],
    ids=str,
)
def test_what_is_no_question_is_refused(vera: Member, body: dict[str, Any], field: str):
    answer = vera.ask("POST", "/api/chat", json=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "VALIDATION_FAILED")
    assert {name.partition(".")[0] for name in answer.json["error"]["details"]} == {field}


def test_of_many_messages_the_last_question_counts(ask: Any, vera: Member, control: SandboxControl):
    earlier = [
        {"id": "m1", "role": "tool", "content": None, "createdAt": "2026-11-27T00:00:00Z"},
        {"role": "assistant", "content": [{"type": "text", "text": "네"}], "parts": [1]},
        {"role": "user", "content": "가" * 5000},
        *({"role": "user", "content": "왜?"} for _ in range(300)),
    ]
    asked = {"id": "m2", "role": "user", "content": "언제 주문하세요?", "status": "ready"}
    answer = ask(vera, messages=[*earlier, asked])
    assert (answer.response.status_code, answer.frames()[-1]) == (200, "[DONE]")
    told = control.only_call()["body"]
    assert ("언제 주문하세요?" in told, "왜?" in told) == (True, False)


def test_of_a_long_conversation_one_message_is_loaded():
    """Each takes a schema's work, and a body holds thousands."""
    said = [{"role": "assistant", "content": "네"}, {"role": "user", "content": "왜?"}]
    loaded = ChatInput().load({"messages": [*said * 1000, {}], "personaId": str(UUID(int=1))})
    assert loaded["messages"] == said[1:]


def test_a_stranger_cannot_tell_a_persona_from_none(app: Flask, persona: UUID, sora: Member):
    answers = [sora.ask("POST", "/api/chat", json=body_of(one)) for one in (persona, UUID(int=7), "no-id")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json["error"]["code"] + answer.json["error"]["message"] for answer in answers}) == 1
    nobody = app.test_client(use_cookies=False).post("/api/chat", json=body_of(persona))
    assert nobody.status_code == 401


def test_without_a_key_it_is_not_configured_which_is_said_at_the_start(
    demo_env: dict[str, str], server_home: Path, persona: UUID, vera: Member
):
    with Server(demo_env | {"MISO_AGENT_API_KEY": ""}, server_home / "chat-keyless.log") as keyless:
        with chatting(keyless.url, vera, body_of(persona)) as answer:
            answer.response.read()
            assert (answer.response.status_code, answer.response.json()["error"]["code"]) == (503, "NOT_CONFIGURED")
        assert '"missing":["MISO_AGENT_API_KEY"],"event":"chat_not_configured"' in keyless.log.read_text()
