"""Reads MISO's answers: the value, or the one error that says what follows."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from upstream.http.content_coding import UnreadableCoding, decode_body
from upstream.http.exchange import HttpResponse
from upstream.http.retry_after import read_retry_after
from upstream.lenient_json import read_object
from upstream.miso.errors import (
    MisoAnswerInvalid,
    MisoAnswerLost,
    MisoBusy,
    MisoError,
    MisoMisconfigured,
    MisoRejected,
    MisoServerFailed,
    MisoWorkflowFailed,
)
from upstream.miso.outputs import read_outputs, require_shallow
from upstream.miso.usage import UNKNOWN_USAGE, Usage

MAX_ANSWER_BYTES = 8 * 1024 * 1024
SUCCEEDED, RUNNING = "succeeded", "running"
_LOST_STATUSES = frozenset({408, 502, 504})
_BUSY_STATUSES = frozenset({429, 503})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_ID = 128
_MOST_TOKENS = 10**12


@dataclass(frozen=True, slots=True)
class RunIds:
    """Known from a workflow's first event, or from its answer; empty where the provider left one out."""

    run_id: str
    task_id: str


@dataclass(frozen=True, slots=True, repr=False)
class WorkflowAnswer:
    """A workflow that has succeeded. `outputs` has each name that was asked for, None where it is missing."""

    ids: RunIds
    outputs: dict[str, Any]
    usage: Usage

    def __repr__(self) -> str:
        return f"WorkflowAnswer(ids={self.ids!r}, ...)"


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run as the provider knows it now, by its details or by its logs; `status` is its own word. `details`: the whole
    answer that told it, for `read_workflow`; logs have none."""

    ids: RunIds
    status: str
    usage: Usage = UNKNOWN_USAGE
    details: HttpResponse | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        return self.status == RUNNING


def read_workflow(reply: HttpResponse, names: Iterable[str]) -> WorkflowAnswer:
    """Of a blocking call, a last event, or run details, also one that was kept. Raises MisoError."""
    answer = read_answer(reply)
    data = _data_of(answer)
    with _telling_usage(data):
        _require_success(data, reply.status)
        outputs = read_outputs(data.get("outputs", data), names)
    return WorkflowAnswer(ids_of(answer), outputs, _usage_of(data))


def _require_success(data: Mapping[str, Any], http_status: int) -> None:
    """Raises MisoError."""
    status = _require_status(data, http_status)
    if status != SUCCEEDED:
        raise MisoWorkflowFailed(reason=_code(status), http_status=http_status)


def _require_status(data: Mapping[str, Any], http_status: int) -> str:
    """What has none is no answer of a workflow at all. Raises MisoError."""
    if status := _text(data.get("status")):
        return status
    raise MisoAnswerInvalid(reason="no_outputs", http_status=http_status)


@contextmanager
def _telling_usage(data: Mapping[str, Any]) -> Iterator[None]:
    """Whoever cannot use the answer has paid for it all the same."""
    try:
        yield
    except MisoError as exc:
        exc.usage = _usage_of(data)
        raise


def _usage_of(data: Mapping[str, Any]) -> Usage:
    """What a workflow that is under way has used so far is no news."""
    if data.get("status") == RUNNING:
        return UNKNOWN_USAGE
    return Usage(_count(data.get("total_tokens")), _seconds(data.get("elapsed_time")))


def read_found_run(reply: HttpResponse) -> FoundRun:
    """Of run details. Raises MisoError."""
    answer = read_answer(reply)
    data = _data_of(answer)
    _require_status(data, reply.status)
    return replace(_found_run(ids_of(answer), data), details=reply)


def _found_run(ids: RunIds, data: Mapping[str, Any]) -> FoundRun:
    return FoundRun(ids, _code(_text(data.get("status"))), _usage_of(data))


def read_logged_run(reply: HttpResponse, user: str) -> tuple[FoundRun | None, bool]:
    """The run of exactly this user, and whether there are more pages. Raises MisoError."""
    answer = read_answer(reply)
    listed = answer.get("data")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    for entry in entries:
        run = entry.get("workflow_run")
        if isinstance(run, dict) and _user_of(entry) == user and (run_id := _id(run.get("id"))):
            return _found_run(RunIds(run_id, ""), run), False
    return None, answer.get("has_more") is True


def _user_of(entry: Mapping[str, Any]) -> str:
    end_user = entry.get("created_by_end_user")
    return _text(end_user.get("session_id")) if isinstance(end_user, dict) else ""


def read_answer(reply: HttpResponse) -> dict[str, Any]:
    """The object of a 2xx. Raises MisoError."""
    if not 200 <= reply.status < 300:
        raise read_refusal(reply)
    try:
        body = decode_body(reply.headers, reply.body, MAX_ANSWER_BYTES)
    except UnreadableCoding as exc:
        raise MisoAnswerInvalid(reason=exc.reason, http_status=reply.status) from exc
    if len(body) > MAX_ANSWER_BYTES:
        raise MisoAnswerInvalid(reason="too_large", http_status=reply.status)
    answer = read_object(body)
    if answer is None:
        raise MisoAnswerInvalid(reason="not_json", http_status=reply.status)
    with _telling_usage(_data_of(answer)):
        require_shallow(answer)
    return answer


def read_refusal(reply: HttpResponse) -> MisoError:
    """What a status other than 2xx says."""
    wait = read_retry_after(reply.headers) if reply.status in _BUSY_STATUSES else None
    code = _provider_code(reply)
    return _refusal_of(reply.status)(http_status=reply.status, provider_code=code, retry_after_seconds=wait)


def _refusal_of(status: int) -> type[MisoError]:
    if status in _BUSY_STATUSES:
        return MisoBusy
    if status in _LOST_STATUSES:
        return MisoAnswerLost
    if status in (401, 403):
        return MisoMisconfigured
    # A redirect is no answer of MISO's: somebody's address is wrong.
    return MisoServerFailed if status >= 500 else MisoRejected


def _provider_code(reply: HttpResponse) -> str:
    try:
        body = decode_body(reply.headers, reply.body, MAX_ANSWER_BYTES)
    except UnreadableCoding:
        return ""
    return _code((read_object(body) or {}).get("code"))


def read_event_error(event: Mapping[str, Any]) -> MisoError:
    """Of an `error` event, which ends a stream that had begun: the provider has given up, so nothing runs on."""
    status = event.get("status")
    known = status if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599 else None
    return MisoWorkflowFailed(reason="error_event", http_status=known, provider_code=_code(event.get("code")))


def ids_of(answer: Mapping[str, Any]) -> RunIds:
    data = _data_of(answer)
    return RunIds(_id(answer.get("workflow_run_id")) or _id(data.get("id")), _id(answer.get("task_id")))


def _data_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its fields come on the top level, too."""
    data = answer.get("data")
    return data if isinstance(data, dict) else answer


def _code(value: object) -> str:
    """A word that can be shown to anybody; empty for a sentence, which may quote what was sent."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST_ID and value.isprintable() else ""


def _count(value: object) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if is_whole else None  # type: ignore[return-value]


def _seconds(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST_TOKENS
    return float(value) if is_number else None  # type: ignore[arg-type]
