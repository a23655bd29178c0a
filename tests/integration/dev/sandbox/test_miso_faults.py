"""MISO's faults on demand: which calls they strike, what they cost, and whether the workflow goes on."""

import json
import time

import httpx
import pytest

from tests.integration.dev.sandbox.miso import MisoCaller, events_of

RUN = "/ext/v1/workflows/run"


@pytest.fixture
def miso(shared_sandbox, control):
    return MisoCaller(shared_sandbox.url, shared_sandbox.http)


def fault_of(control, **fields):
    return control.set_fault(RUN, **({"workflow_seconds": 0.05} | fields))


def billed(control):
    return control.get("miso/calls")["billed"]


def test_a_fault_strikes_only_bodies_that_hold_its_text(miso, control):
    control.set_fault(RUN, match="카나리아", status=503)
    fault_of(control)
    assert miso.run(text="김하늘: 카나리아").status_code == 503
    assert miso.run(text="김하늘: 다른 이야기").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"code": "provider_quota_exceeded"}, 400, "provider_quota_exceeded"),
        ({"code": "internal_server_error", "status": 500}, 500, "internal_server_error"),
        ({"status": 429, "headers": {"Retry-After": "3"}}, 429, "too_many_requests"),
        ({"status": 503}, 503, "service_unavailable"),
    ],
)
def test_an_error_before_the_workflow_is_free(miso, control, fault, status, code):
    control.set_fault(RUN, **fault)
    for mode in ("blocking", "streaming"):
        refused = miso.run(mode=mode)
        assert (refused.status_code, refused.json()["code"], refused.json()["status"]) == (status, code, status)
    assert billed(control) == {}


def test_a_proxy_gives_up_and_the_workflow_goes_on(miso, control, eventually):
    fault_of(control, status=504, html=True, while_running=True, workflow_seconds=0.4)
    answer = miso.run(user="iv-504")
    assert (answer.status_code, answer.headers["content-type"]) == (504, "text/html; charset=utf-8")
    assert billed(control) == {"iv-504": 1}
    assert eventually(lambda: miso.get("workflows/logs", keyword="iv-504").json()["data"])


def test_a_bare_502_has_no_body(miso, control):
    control.set_fault(RUN, status=502)
    assert (miso.run().status_code, miso.run().content) == (502, b"")


def test_held_after_it_is_in_the_logs_before_the_answer(miso, control, in_background, eventually):
    fault = fault_of(control, hold="after")
    thread, outcome = in_background(lambda: miso.run(user="iv-held"))
    eventually(lambda: miso.get("workflows/logs", keyword="iv-held").json()["data"])
    assert outcome == []
    control.post(f"faults/{fault}/release")
    thread.join(timeout=10)
    assert outcome[0].status_code == 200


def test_held_before_it_has_no_effect(miso, control, in_background, eventually):
    fault = fault_of(control, hold="before")
    thread, _ = in_background(lambda: miso.run(user="iv-held"))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    assert billed(control) == {}
    control.post(f"faults/{fault}/release")
    thread.join(timeout=10)
    assert billed(control) == {"iv-held": 1}


@pytest.mark.parametrize(("cut", "bills"), [("before", {}), ("during", {"iv-cut": 1})])
@pytest.mark.parametrize("mode", ["blocking", "streaming"])
def test_a_cut_answer_is_billed_when_the_workflow_had_begun(miso, control, cut, bills, mode):
    fault_of(control, cut=cut)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        miso.run(user="iv-cut", mode=mode)
    assert billed(control) == bills
    call = control.get("miso/calls")["calls"][0]
    assert (call["status"], call["delivered"]) == (None, False)


@pytest.mark.parametrize("status", ["failed", "stopped", "partial-succeeded", "running"])
def test_a_workflow_that_did_not_succeed_is_a_200_and_billed(miso, control, status):
    fault_of(control, workflow_status=status)
    answer = miso.run(user="iv-1")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, status)
    assert billed(control) == {"iv-1": 1}


def outputs_under(miso, control, shape):
    fault_of(control, outputs=shape)
    return miso.run().json()


def test_outputs_come_as_text_fenced_and_encoded_twice(miso, control):
    as_text = outputs_under(miso, control, "json_text")["data"]["outputs"]
    assert isinstance(json.loads(as_text["cleaned_script"]), list)
    control.post("reset")
    assert "```json" in outputs_under(miso, control, "fenced")["data"]["outputs"]["text"]
    control.post("reset")
    assert "cleaned_script" in json.loads(
        json.loads(outputs_under(miso, control, "double")["data"]["outputs"]["result"])
    )


def test_an_answer_on_the_top_level_and_times_as_text(miso, control):
    assert outputs_under(miso, control, "top_level")["status"] == "succeeded"
    control.post("reset")
    assert outputs_under(miso, control, "iso_times")["data"]["created_at"].endswith("+00:00")


def test_outputs_that_cannot_be_used(miso, control):
    assert outputs_under(miso, control, "null")["data"]["outputs"] is None
    control.post("reset")
    with pytest.raises(ValueError):
        json.loads(outputs_under(miso, control, "truncated")["data"]["outputs"]["result"])
    control.post("reset")
    assert "key_takeaways" not in outputs_under(miso, control, "missing:key_takeaways")["data"]["outputs"]


@pytest.mark.parametrize(("shape", "size"), [("huge", 20_000_000), ("deep", 200_000)])
def test_outputs_beyond_every_limit(miso, control, shape, size):
    fault_of(control, outputs=shape)
    assert len(miso.run().content) >= size - 1000


def test_slow_pieces_then_a_late_error(miso, control):
    fault_of(control, error_after_chunks=2, chunk_delay_seconds=0.05)
    events = miso.stream_run()
    assert [event["event"] for event in events] == ["workflow_started", "node_started", "error"]
    assert (events[-1]["status"], events[-1]["task_id"]) == (400, events[0]["task_id"])


def test_a_stream_breaks_off_in_the_middle_of_a_block(miso, control):
    fault_of(control, cut_after_chunks=1)
    with (
        miso.stream("workflows/run", miso.run_body(mode="streaming")) as answer,
        pytest.raises((httpx.RemoteProtocolError, json.JSONDecodeError)),
    ):
        list(events_of(answer))


@pytest.mark.parametrize("fault", [{"outputs": "yaml"}, {"chat": "sung"}, {"workflow_status": "gone"}, {"code": ""}])
def test_an_unknown_fault_is_refused_by_its_field(control, fault):
    refused = control.http.post(f"{control.base}/control/faults", json={"path": RUN, **fault})
    assert (refused.status_code, refused.json()["field"]) == (400, next(iter(fault)))


def test_a_blocking_answer_comes_slowly(miso, control):
    fault_of(control, chunk_delay_seconds=0.05)
    began = time.monotonic()
    assert miso.run().json()["data"]["status"] == "succeeded"
    assert time.monotonic() - began >= 0.5
