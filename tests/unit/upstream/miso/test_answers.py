"""What each answer of MISO means: whether asking again helps, and whether the workflow may be running."""

import json
import pickle

import pytest

from upstream.http.exchange import HttpResponse
from upstream.miso import answers, errors
from upstream.miso.answers import FoundRun, RunIds
from upstream.miso.usage import UNKNOWN_USAGE, Usage

NAMES = ("key_takeaways",)
DATA = {"id": "r-1", "status": "succeeded", "outputs": {"key_takeaways": ["a"]}, "total_tokens": 7, "elapsed_time": 1.5}


def reply(body, status=200, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, headers, content)


@pytest.mark.parametrize(
    "body",
    [
        {"task_id": "t-1", "workflow_run_id": "r-1", "data": DATA},
        {"task_id": "t-1", "workflow_run_id": "r-1", **DATA},
        {"task_id": "t-1", "data": DATA, "workflow_run_id": None},
        {"task_id": "t-1", "data": DATA | {"outputs": json.dumps(DATA["outputs"])}},
        {"task_id": "t-1", "data": DATA | {"created_at": "2026-01-01T00:00:00Z"}},
    ],
)
def test_a_workflow_that_succeeded(body):
    answer = answers.read_workflow(reply(body), NAMES)
    assert answer.ids == answers.RunIds("r-1", "t-1")
    assert (answer.outputs, answer.usage) == ({"key_takeaways": ["a"]}, Usage(7, 1.5))


@pytest.mark.parametrize("status", ["failed", "stopped", "partial-succeeded", "running"])
def test_a_workflow_that_did_not_succeed(status):
    with pytest.raises(errors.MisoWorkflowFailed) as failed:
        answers.read_workflow(reply({"data": DATA | {"status": status, "error": "김하늘의 말"}}), NAMES)
    assert failed.value.reason == status
    assert "김하늘" not in repr(failed.value) + str(failed.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"<html>", "not_json"),
        (b'{"data": {"status": "succeeded", "outp', "not_json"),
        (b"[]", "not_json"),
        ({}, "no_outputs"),
        ({"data": DATA | {"outputs": None}}, "no_outputs"),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not_json"),
        (b'{"data": ' + b"[" * 150 + b"]" * 150 + b"}", "too_deep"),
        (b'{"data": "' + b"x" * 8 * 1024 * 1024 + b'"}', "too_large"),
    ],
)
def test_a_whole_answer_that_cannot_be_used(body, reason):
    with pytest.raises(errors.MisoAnswerInvalid) as invalid:
        answers.read_workflow(reply(body), NAMES)
    assert (invalid.value.reason, invalid.value.retryable, invalid.value.may_be_running) == (reason, False, False)


@pytest.mark.parametrize(
    ("data", "usage"),
    [
        (DATA | {"status": "failed"}, Usage(7, 1.5)),
        (DATA | {"status": "running"}, UNKNOWN_USAGE),  # it goes on
        (DATA | {"status": ""}, Usage(7, 1.5)),
        (DATA | {"outputs": None}, Usage(7, 1.5)),
        (DATA | {"outputs": {"key_takeaways": '["a", "b'}}, Usage(7, 1.5)),
        (DATA | {"outputs": json.loads("[" * 150 + "]" * 150)}, Usage(7, 1.5)),
        (DATA | {"status": "failed", "total_tokens": -1, "elapsed_time": "long"}, UNKNOWN_USAGE),
    ],
)
def test_an_answer_that_cannot_be_used_says_what_it_used(data, usage):
    with pytest.raises(errors.MisoError) as failed:
        answers.read_workflow(reply({"data": data}), NAMES)
    assert failed.value.usage == usage


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "may_be_running"),
    [
        (429, errors.MisoBusy, True, False),
        (503, errors.MisoBusy, True, False),
        (408, errors.MisoAnswerLost, False, True),
        (502, errors.MisoAnswerLost, False, True),
        (504, errors.MisoAnswerLost, False, True),
        (500, errors.MisoServerFailed, False, True),
        (507, errors.MisoServerFailed, False, True),
        (401, errors.MisoMisconfigured, False, False),
        (403, errors.MisoMisconfigured, False, False),
        (400, errors.MisoRejected, False, False),
        (404, errors.MisoRejected, False, False),
        (302, errors.MisoRejected, False, False),
    ],
)
def test_each_status_says_what_follows(status, kind, retryable, may_be_running):
    error = answers.read_refusal(reply({"code": "invalid_param", "message": "김하늘"}, status))
    assert type(error) is kind
    assert (error.retryable, error.may_be_running) == (retryable, may_be_running)
    assert (error.http_status, error.provider_code) == (status, "invalid_param")
    assert "김하늘" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("code", ["김하늘의 전화", "a b", "x" * 65, 7, None, ["a"]])
def test_a_code_that_is_no_word_is_not_kept(code):
    assert answers.read_refusal(reply({"code": code}, 400)).provider_code == ""


def test_how_long_a_busy_provider_wants_to_be_left_alone():
    assert answers.read_refusal(reply({}, 429, **{"Retry-After": "7"})).retry_after_seconds == 7


def log_entry(user, run_id):
    run = {"id": run_id, "status": "succeeded", "total_tokens": 7, "elapsed_time": 1.5}
    return {"workflow_run": run, "created_by_end_user": {"session_id": user}}


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (
            {"data": [log_entry("iv-1-10", "a"), log_entry("iv-1-1", "b")], "has_more": True},
            (FoundRun(RunIds("b", ""), "succeeded", Usage(7, 1.5)), False),
        ),
        ({"data": [log_entry("iv-1-10", "a")], "has_more": True}, (None, True)),
        ({"data": [None, {}, {"workflow_run": 1}], "has_more": "yes"}, (None, False)),
        ({"data": None}, (None, False)),
    ],
)
def test_a_lost_run_is_found_by_exactly_its_user(page, found):
    assert answers.read_logged_run(reply(page), "iv-1-1") == found
