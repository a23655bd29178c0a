"""A client of Dify that is not ours works against the stand-in, unchanged but for the address."""

from concurrent import futures
from io import BytesIO

import pytest
from dify_client import Client, models
from dify_client.errors import DifyAPIError, DifyInvalidParam, DifyProviderQuotaExceeded

from tests.integration.dev.sandbox.miso import INTERVIEW
from tests.waiting import wait_until


@pytest.fixture
def dify(shared_sandbox, control):
    return Client(api_key="sandbox-miso-key", api_base=f"{shared_sandbox.url}/v1")


@pytest.fixture
def agent(shared_sandbox, control):
    return Client(api_key="sandbox-miso-agent-key", api_base=f"{shared_sandbox.url}/v1")


def run_request(mode=models.ResponseMode.BLOCKING, **inputs):
    given = {"context": INTERVIEW, "preprocess_type": "interview", **inputs}
    return models.WorkflowsRunRequest(inputs=given, response_mode=mode, user="stranger")


def chat_request(mode=models.ResponseMode.STREAMING, **more):
    return models.ChatRequest(query="왜 불편했나요?", response_mode=mode, user="stranger", **more)


def test_it_runs_a_workflow(dify):
    answer = dify.run_workflows(run_request())
    assert answer.data.status == models.WorkflowStatus.SUCCEEDED
    assert answer.data.outputs


def test_it_follows_a_streamed_workflow_and_can_parse_every_event(dify):
    events = list(dify.run_workflows(run_request(models.ResponseMode.STREAMING)))
    assert [str(event.event) for event in (events[0], events[-1])] == ["workflow_started", "workflow_finished"]
    assert models.WorkflowFinishedData.model_validate(events[-1].data).total_steps == 3
    assert dify.stop_workflows(events[0].task_id, models.StopRequest(user="stranger")).result == "success"


@pytest.mark.parametrize("manner", ["delta", "cumulative", "agent", "replaced", "no_done"])
def test_it_chats(agent, control, manner):
    if manner != "delta":
        control.set_fault("/v1/chat-messages", chat=manner)
    events = list(agent.chat_messages(chat_request()))
    assert events[-1].event == models.StreamEvent.MESSAGE_END
    name = "agent_message" if manner == "agent" else "message"
    assert "".join(event.answer for event in events if event.event == name)
    assert events[-1].metadata.usage.currency == "USD"


def test_it_stops_a_chat_and_reads_it_to_its_end(agent, control):
    control.set_fault("/v1/chat-messages", chat="pings_only", chunk_delay_seconds=0.05)
    with futures.ThreadPoolExecutor() as reading:
        reader = reading.submit(lambda: list(agent.chat_messages(chat_request())))
        task_id = wait_until(lambda: task_of_chat(control))
        assert agent.stop_chat_messages(task_id, models.StopRequest(user="stranger")).result == "success"
        assert reader.result(10) == []  # of pings the client tells nothing
    assert control.get("miso/calls", path="/v1/chat-messages")["calls"][0]["stopped"]


def task_of_chat(control):
    calls = control.get("miso/calls", path="/v1/chat-messages")["calls"]
    return calls and calls[0]["task_id"]


def test_it_stops_an_answer_that_has_begun(agent, control):
    control.set_fault("/v1/chat-messages", chunk_delay_seconds=0.1)
    stream = agent.chat_messages(chat_request())
    first = next(stream)
    assert agent.stop_chat_messages(first.task_id, models.StopRequest(user="stranger")).result == "success"
    rest = list(stream)
    assert (len(rest) < 8, rest[-1].event) == (True, models.StreamEvent.MESSAGE_END)


def test_it_sees_an_error_in_the_middle_of_an_answer_as_the_last_event(agent, control):
    control.set_fault("/v1/chat-messages", error_after_chunks=3, code="provider_quota_exceeded")
    *said, last = agent.chat_messages(chat_request())
    assert [event.event for event in said] == [models.StreamEvent.MESSAGE] * 3
    assert (last.event, last.status, last.code) == (models.StreamEvent.ERROR, 400, "provider_quota_exceeded")


def test_it_gets_a_whole_answer_and_goes_on_in_its_conversation(agent):
    whole = agent.chat_messages(chat_request(models.ResponseMode.BLOCKING))
    assert whole.answer
    first = next(agent.chat_messages(chat_request()))
    assert first.conversation_id


def test_it_uploads_a_file(dify):
    sent = ("대화.md", BytesIO(b"# hello"), "text/markdown")
    assert dify.upload_files(sent, models.UploadFileRequest(user="stranger")).extension == "md"


def test_it_understands_our_errors(dify, control):
    with pytest.raises(DifyInvalidParam):
        dify.run_workflows(run_request(context="가" * 50_001))
    control.set_fault("/v1/workflows/run", calls=1, code="provider_quota_exceeded")
    with pytest.raises(DifyProviderQuotaExceeded):
        dify.run_workflows(run_request())
    with pytest.raises(DifyAPIError) as refused:
        Client(api_key="another", api_base=dify.api_base).run_workflows(run_request())
    assert refused.value.status == 401
