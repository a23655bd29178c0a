"""MISO's chat: pieces, manners of saying them, conversations, stop, and clients that leave."""

import pytest

from tests.integration.dev.sandbox.miso import MisoCaller


@pytest.fixture
def miso(shared_sandbox, control):
    return MisoCaller(shared_sandbox.url, shared_sandbox.http)


def answers(events, name="message"):
    return [event["answer"] for event in events if event["event"] == name]


def test_an_answer_comes_in_pieces_with_the_words_of_the_question(miso):
    events = miso.chat()
    assert 8 <= len(answers(events)) <= 40
    assert "결제가 왜 불편했나요" in "".join(answers(events))
    assert [event["event"] for event in events[-2:]] == ["message_end", "[DONE]"]
    assert events[-2]["metadata"]["usage"]["total_tokens"] > 0


def test_a_blocking_answer_says_the_same_at_once(miso):
    whole = miso.post("chat", miso.chat_body(mode="blocking"), key=miso.agent).json()
    assert whole["answer"] == "".join(answers(miso.chat()))


def test_the_manners_of_saying_it(miso, control):
    plain = "".join(answers(miso.chat()))
    control.set_fault("/chat", calls=1, chat="cumulative")
    assert answers(miso.chat())[-1] == plain
    control.set_fault("/chat", calls=1, chat="agent")
    agent = miso.chat()
    assert [event["event"] for event in agent[:2]] == ["agent_thought", "message_file"]
    assert "".join(answers(agent, "agent_message")) == plain
    control.set_fault("/chat", calls=1, chat="replaced_same")
    assert answers(miso.chat(), "message_replace") == [plain]
    control.set_fault("/chat", calls=1, chat="replaced")
    assert answers(miso.chat(), "message_replace") != [plain]
    control.set_fault("/chat", calls=1, chat="no_done")
    assert miso.chat()[-1]["event"] == "message_end"


def test_a_conversation_belongs_to_its_user(miso):
    conversation = miso.chat()[0]["conversation_id"]
    assert miso.chat(conversation_id=conversation)[0]["conversation_id"] == conversation
    foreign = miso.post("chat", miso.chat_body(conversation_id=conversation, user="acc-2"), key=miso.agent)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "conversation_not_exists")


def test_nothing_but_pings_until_it_is_stopped(miso, control):
    control.set_fault("/chat", chat="pings_only", chunk_delay_seconds=0.05)
    with miso.stream("chat", miso.chat_body(), key=miso.agent) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: ping"
        task = control.get("miso/calls", path="/chat")["calls"][0]["task_id"]
        miso.post(f"chat/{task}/stop", {"user": "acc-1"}, key=miso.agent)
        assert set(lines) <= {"", "event: ping"}
    assert control.get("miso/calls", path="/chat")["calls"][0]["stopped"] is True


def test_a_client_that_leaves_ends_the_stream(miso, control, eventually):
    control.set_fault("/chat", chunk_delay_seconds=0.2)
    with miso.stream("chat", miso.chat_body(), key=miso.agent) as answer:
        next(answer.iter_lines())
    eventually(lambda: control.get("miso/calls", path="/chat")["calls"][0]["delivered"] is False)


def test_an_error_early_and_late(miso, control):
    control.set_fault("/chat", calls=1, code="app_unavailable")
    assert miso.post("chat", miso.chat_body(), key=miso.agent).json()["code"] == "app_unavailable"
    control.set_fault("/chat", calls=1, error_after_chunks=3)
    events = miso.chat()
    assert [event["event"] for event in events] == ["message"] * 3 + ["error"]
    assert events[-1]["code"] == "completion_request_error"


def test_dify_s_name_of_the_mode_is_taken_too(miso):
    body = {name: value for name, value in miso.chat_body(response_mode="blocking").items() if name != "mode"}
    assert miso.post("chat", body, key=miso.agent).status_code == 200
