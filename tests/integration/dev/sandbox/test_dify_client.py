"""A client of Dify that is not ours works against the stand-in, unchanged but for the address."""

from io import BytesIO

import pytest
from dify_client import Client, models
from dify_client.errors import DifyAPIError, DifyInvalidParam, DifyProviderQuotaExceeded

from tests.integration.dev.sandbox.miso import INTERVIEW


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
    events = []
    stream = agent.chat_messages(chat_request())
    # `[DONE]` is MISO's own; Dify's client takes it for JSON.
    while not events or events[-1].event != models.StreamEvent.MESSAGE_END:
        events.append(next(stream))
    stream.close()
    name = "agent_message" if manner == "agent" else "message"
    assert "".join(event.answer for event in events if event.event == name)
    assert events[-1].metadata.usage.currency == "USD"


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
