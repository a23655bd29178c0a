"""The clients of MISO against the sandbox: each fault ends as the error that says what follows."""

import logging
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.plain_http import NO_TLS
from tests.waiting import wait_until
from upstream.http.exchange import PaidCall
from upstream.http.streaming import Cancellation
from upstream.miso import errors
from upstream.miso.agents import MisoAgent
from upstream.miso.answers import read_workflow
from upstream.miso.knowledge import MisoKnowledge
from upstream.miso.workflows import MisoWorkflows

ROOT = Path(__file__).resolve().parents[3]
RUN, CHAT = "/ext/v1/workflows/run", "/ext/v1/chat"
NAMES = ("cleaned_script", "key_takeaways", "primary_pain_points")
INPUTS = {"context": "Q: 어땠어요?\n김하늘: 결제가 느려서 답답했어요.", "preprocess_type": "interview"}


@pytest.fixture(scope="module")
def sandbox():
    command = [sys.executable, "-m", "dev.sandbox", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    yield re.search(r"http://\S+", process.stdout.readline())[0]
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    process.stdout.close()


class Control:
    def __init__(self, base):
        self.base, self.http = f"{base}/control", httpx.Client(verify=NO_TLS, timeout=10)

    def fault(self, path=RUN, **fields):
        usual = {} if path == CHAT or "workflow_seconds" in fields else {"workflow_seconds": 0.05}
        answer = self.http.post(f"{self.base}/faults", json={"path": path, **usual, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["fault_id"]

    def calls(self, **query):
        return self.http.get(f"{self.base}/miso/calls", params=query).json()


@pytest.fixture
def control(sandbox):
    control = Control(sandbox)
    control.http.post(f"{control.base}/reset")
    yield control
    control.http.close()


@pytest.fixture
def workflows(sandbox, control):
    client = MisoWorkflows(sandbox, "sandbox-miso-key", run_seconds=1.5)
    yield client
    client.close()


@pytest.fixture
def agent(sandbox, control):
    client = MisoAgent(sandbox, "sandbox-miso-agent-key", silence_seconds=0.6)
    yield client
    client.close()


def run(workflows, *, streamed=False, user="iv-1", **more):
    call = workflows.run_streamed if streamed else workflows.run
    return call(INPUTS, user, NAMES, **more)


either_mode = pytest.mark.parametrize("streamed", [False, True], ids=["blocking", "streamed"])


@either_mode
@pytest.mark.parametrize("shape", ["json", "json_text", "double", "fenced", "top_level", "iso_times"])
def test_every_shape_of_outputs_is_read(workflows, control, streamed, shape):
    control.fault(outputs=shape)
    answer = run(workflows, streamed=streamed)
    assert answer.outputs["cleaned_script"][1]["cleaned_sentence"] == "결제가 느려서 답답했어요."
    assert answer.ids.run_id == control.calls()["calls"][0]["workflow_run_id"]
    assert answer.usage.total_tokens > 0


def test_a_missing_output_is_null(workflows, control):
    control.fault(outputs="missing:key_takeaways")
    assert run(workflows).outputs["key_takeaways"] is None


@either_mode
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 429}, errors.MisoBusy),
        ({"status": 503}, errors.MisoBusy),
        ({"status": 502}, errors.MisoAnswerLost),
        ({"status": 504, "html": True, "while_running": True}, errors.MisoAnswerLost),
        ({"cut": "before"}, errors.MisoAnswerLost),
        ({"cut": "during"}, errors.MisoAnswerLost),
        ({"delay_seconds": 5}, errors.MisoAnswerLost),
        ({"workflow_seconds": 5}, errors.MisoAnswerLost),
        ({"chunk_delay_seconds": 0.4}, errors.MisoAnswerLost),
        ({"status": 500, "code": "internal_server_error"}, errors.MisoServerFailed),
        ({"code": "provider_quota_exceeded"}, errors.MisoRejected),
        ({"status": 401}, errors.MisoMisconfigured),
        ({"workflow_status": "failed"}, errors.MisoWorkflowFailed),
        ({"workflow_status": "partial-succeeded"}, errors.MisoWorkflowFailed),
        ({"outputs": "null"}, errors.MisoAnswerInvalid),
        ({"outputs": "truncated"}, errors.MisoAnswerInvalid),
        ({"outputs": "not_json"}, errors.MisoAnswerInvalid),
        ({"outputs": "huge"}, errors.MisoAnswerInvalid),
        ({"outputs": "deep"}, errors.MisoAnswerInvalid),
    ],
    ids=str,
)
def test_each_fault_ends_as_its_error_and_one_request(workflows, control, streamed, fault, kind):
    control.fault(**fault)
    began = time.monotonic()
    with pytest.raises(errors.MisoError) as raised:
        run(workflows, streamed=streamed)
    assert type(raised.value) is kind
    assert time.monotonic() - began < 4
    assert len(control.calls()["calls"]) == 1


def test_a_200_that_is_no_json(workflows, control):
    control.fault(malformed=True)
    with pytest.raises(errors.MisoAnswerInvalid, match="not_json"):
        run(workflows)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"error_after_chunks": 3}, errors.MisoWorkflowFailed),
        ({"cut_after_chunks": 2}, errors.MisoAnswerLost),
        ({"chunk_delay_seconds": 0.6}, errors.MisoAnswerLost),
    ],
)
def test_a_stream_that_breaks_has_told_its_ids(workflows, control, fault, kind):
    control.fault(**fault)
    told = []
    with pytest.raises(kind):
        run(workflows, streamed=True, on_started=told.append)
    call = control.calls()["calls"][0]
    assert [(ids.run_id, ids.task_id) for ids in told] == [(call["workflow_run_id"], call["task_id"])]


def test_nobody_there_is_retryable_and_nothing_was_sent():
    sent = []
    client = MisoWorkflows("http://127.0.0.1:1", "invented-key")
    with pytest.raises(errors.MisoUnreached) as raised:
        run(client, call=PaidCall(before_send=lambda: sent.append(1)))
    client.close()
    assert (raised.value.retryable, raised.value.may_be_running, sent) == (True, False, [])


@either_mode
def test_what_was_paid_for_is_kept_before_it_is_judged_and_can_be_read_again(workflows, control, streamed):
    control.fault(workflow_status="failed", calls=1)
    control.fault()
    kept = []
    call = PaidCall(keep=kept.append)
    with pytest.raises(errors.MisoWorkflowFailed):
        run(workflows, streamed=streamed, call=call)
    answer = run(workflows, streamed=streamed, call=call)
    assert len(kept) == 2
    assert read_workflow(kept[1], NAMES).outputs == answer.outputs


def test_before_it_leaves_the_caller_is_asked(workflows, control):
    def refuse():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run(workflows, call=PaidCall(before_send=refuse))
    assert control.calls()["calls"] == []


def test_a_lost_answer_is_found_by_its_user_and_fetched(workflows, control):
    control.fault(method="POST", cut="before", while_running=True, workflow_seconds=0.3)
    for number in (1, 10):
        with pytest.raises(errors.MisoAnswerLost):
            run(workflows, user=f"iv-{number}")
    logged = wait_until(lambda: workflows.find_by_user("iv-1"))
    found = workflows.look_up(logged.ids.run_id)
    assert (found.status, logged.status) == ("succeeded", "succeeded")
    answer = read_workflow(found.details, NAMES)
    assert answer.usage.total_tokens > 0
    assert found.usage == logged.usage == answer.usage
    assert answer.outputs["cleaned_script"][1]["speaker"] == "김하늘"
    assert control.calls()["billed"] == {"iv-1": 1, "iv-10": 1}


def test_a_run_that_nobody_knows(workflows):
    assert workflows.look_up("../workflows/logs") is None
    assert workflows.find_by_user("nobody") is None


def test_a_streamed_run_is_seen_running_and_stopped(workflows, control):
    control.fault(workflow_seconds=30)

    def stop(ids):
        assert workflows.look_up(ids.run_id).is_running
        workflows.stop(ids.task_id, "iv-1")

    with pytest.raises(errors.MisoWorkflowFailed, match="stopped"):
        run(workflows, streamed=True, on_started=stop)
    assert control.calls(user="iv-1", path="/run")["calls"][0]["stopped"] is True


def test_chat_frames_come_unchanged_and_in_order(agent):
    with agent.chat("결제가 왜?", {"persona_title": "직장인"}, "acc-1") as answer:
        frames = list(answer.frames())
    assert [frame.event for frame in frames[-2:]] == ["message_end", ""]
    assert frames[-1].data == b"[DONE]"
    assert "결제가 왜" in "".join(frame.fields["answer"] for frame in frames if frame.event == "message")
    assert answer.task_id
    with agent.chat("또?", {}, "acc-1", answer.conversation_id) as second:
        list(second.frames())
    assert second.conversation_id == answer.conversation_id


def test_a_chat_s_first_frame_comes_before_the_last(agent, control):
    control.fault(CHAT, chunk_delay_seconds=0.3)
    began = time.monotonic()
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        next(answer.frames())
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("manner", ["cumulative", "agent", "replaced", "replaced_same", "no_done"])
def test_every_manner_of_answering_ends_by_itself(agent, control, manner):
    control.fault(CHAT, chat=manner)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        assert "message_end" in [frame.event for frame in answer.frames()]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 503}, errors.MisoBusy),
        ({"code": "app_unavailable"}, errors.MisoRejected),
        ({"delay_seconds": 5}, errors.MisoAnswerLost),
    ],
)
def test_an_early_error_comes_before_the_answer(agent, control, fault, kind):
    control.fault(CHAT, **fault)
    with pytest.raises(kind), agent.chat("결제가 왜?", {}, "acc-1"):
        pytest.fail("it has begun")


@pytest.mark.parametrize("fault", [{"cut_after_chunks": 3}, {"chunk_delay_seconds": 3}])
def test_a_chat_that_breaks_off_or_falls_silent_is_lost(agent, control, fault):
    control.fault(CHAT, **fault)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer, pytest.raises(errors.MisoAnswerLost):
        list(answer.frames())


def test_a_late_error_is_a_frame(agent, control):
    control.fault(CHAT, error_after_chunks=2)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        assert [frame.event for frame in answer.frames()] == ["message", "message", "error"]


def test_pings_are_signs_of_life(agent, control):
    control.fault(CHAT, chat="pings_only", chunk_delay_seconds=0.2)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        frames = answer.frames()
        assert {next(frames).event for _ in range(6)} == {"ping"}


def test_an_abort_from_another_thread_wakes_the_reader_and_reaches_miso(agent, control):
    control.fault(CHAT, chunk_delay_seconds=0.5)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        frames = answer.frames()
        next(frames)
        began = time.monotonic()
        threading.Thread(target=answer.abort).start()
        list(frames)
        assert time.monotonic() - began < 2
        agent.stop(answer.task_id, "acc-1")
    call = wait_until(lambda: next((one for one in control.calls()["calls"] if one["delivered"] is False), None))
    assert call["stopped"] is True


def test_a_cancellation_ends_a_chat_whose_answer_has_not_begun(agent, control):
    control.fault(CHAT, hold="before", hold_seconds=5)
    cancellation, cancelled_at = Cancellation(), 0.0

    def cancel() -> None:
        nonlocal cancelled_at
        wait_until(lambda: control.calls()["calls"])  # it waits for its answer
        cancelled_at = time.monotonic()
        cancellation.cancel()

    with ThreadPoolExecutor() as pool:
        cancelling = pool.submit(cancel)
        with pytest.raises(errors.MisoAnswerLost), agent.chat("결제가 왜?", {}, "acc-1", cancellation=cancellation):
            pytest.fail("it has begun")
        cancelling.result()
    assert time.monotonic() - cancelled_at < 0.6


def test_a_cancellation_from_before_sends_nothing(agent, control):
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(errors.MisoError), agent.chat("결제가 왜?", {}, "acc-1", cancellation=cancellation):
        pytest.fail("it has begun")
    assert control.calls()["calls"] == []


def test_a_document_goes_into_the_knowledge_base_and_out(sandbox, control):
    knowledge = MisoKnowledge(sandbox, "sandbox-miso-knowledge-key", "data/set 1")
    document = knowledge.add_document("면담", "결과")
    wait_until(lambda: knowledge.find_document("면담").is_indexed)
    assert knowledge.find_document("면담").document_id == document
    assert knowledge.find_document("면") is None
    knowledge.add_segments(document, ["하나", "둘"])
    knowledge.delete_document(document)
    knowledge.delete_document(document)
    assert knowledge.find_document("면담") is None
    knowledge.close()


def test_no_key_and_no_text_stand_in_reprs_errors_and_logs(workflows, agent, control, caplog):
    caplog.set_level(logging.DEBUG)
    control.fault(code="invalid_param", message="김하늘: 결제가 느려서")
    with pytest.raises(errors.MisoRejected) as refused:
        run(workflows)
    with agent.chat("결제가 왜?", {}, "acc-1") as answer:
        shown = "".join(map(repr, (answer, *answer.frames())))
    shown += caplog.text + "".join(map(repr, (workflows, agent, refused.value, refused.value.args, str(refused.value))))
    assert "sandbox-miso" not in shown
    assert not re.search("김하늘|결제", shown)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_process_that_stops_ends_its_calls_at_once(sandbox, control, streamed):
    control.fault(workflow_seconds=30)
    client, ended = MisoWorkflows(sandbox, "sandbox-miso-key"), []

    def call():
        with pytest.raises(errors.MisoAnswerLost):
            run(client, streamed=streamed, user=f"iv-stops-{streamed}")
        ended.append(time.monotonic())

    thread = threading.Thread(target=call)
    thread.start()
    wait_until(lambda: control.calls(user=f"iv-stops-{streamed}")["calls"])
    began = time.monotonic()
    client.abort_all()
    thread.join(5)
    assert ended[0] - began < 1
    with pytest.raises(errors.MisoError):
        run(client, streamed=streamed, user="iv-later")
    assert control.calls(user="iv-later")["billed"] == {}
    client.close()
