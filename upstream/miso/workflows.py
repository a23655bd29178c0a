"""The synchronous client of a workflow app, for workers: run it, blocking or streamed, look for what was run, stop."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from core.clock import clock
from upstream.http.exchange import HttpResponse, PaidCall
from upstream.http.streaming import HttpStream
from upstream.miso import answers
from upstream.miso.answers import MAX_ANSWER_BYTES, FoundRun, RunIds, WorkflowAnswer
from upstream.miso.connection import UNPREPARED, MisoCallLimits, MisoConnection, path_of
from upstream.miso.errors import MisoAnswerInvalid, MisoAnswerLost
from upstream.miso.sse import EventParser, EventTooLarge, read_event

RUN_SECONDS = 290.0
_LOOK_SECONDS = 15.0
# For what nobody waits for: other analyses wait for who does it.
STOP_SECONDS = 2.0
# MISO pings every 10 s.
_SILENCE_SECONDS = 40.0
# Of all events together: each node's outputs come again in the end.
_MAX_STREAM_BYTES = 8 * MAX_ANSWER_BYTES
_LOGS_PER_PAGE, _MOST_PAGES = 20, 5
_JSON = {"content-type": "application/json"}
_RUN = "/workflows/run"


def _ignore(_: RunIds) -> None:
    pass


class MisoWorkflows:
    """Safe to share between threads. Every call raises MisoError."""

    def __init__(
        self, base_url: str, api_key: str, *, run_seconds: float = RUN_SECONDS, http: httpx.Client | None = None
    ) -> None:
        self._connection = MisoConnection(base_url, api_key, http)
        self._run_seconds = run_seconds

    def close(self) -> None:
        self._connection.close()

    def abort_all(self) -> None:
        """For a process that stops: who waits gets MisoAnswerLost, and is to hand over what may be running."""
        self._connection.abort_all()

    def run(
        self, inputs: Mapping[str, str], user: str, names: Iterable[str], call: PaidCall = UNPREPARED
    ) -> WorkflowAnswer:
        """Blocking. `names` are the outputs that are wanted; any 2xx is kept before it is judged."""
        limits = MisoCallLimits(self._run_seconds)
        reply = self._connection.call("POST", _RUN, limits, body=_body(inputs, user, "blocking"), call=call)
        if 200 <= reply.status < 300:
            call.keep(reply)
        return answers.read_workflow(reply, names)

    def run_streamed(
        self,
        inputs: Mapping[str, str],
        user: str,
        names: Iterable[str],
        *,
        call: PaidCall = UNPREPARED,
        on_started: Callable[[RunIds], object] = _ignore,
    ) -> WorkflowAnswer:
        """The same with MISO's events; `on_started` is called once, at the first event that names the run."""
        limits = MisoCallLimits(self._run_seconds, _SILENCE_SECONDS, _MAX_STREAM_BYTES)
        body = _body(inputs, user, "streaming")
        with self._connection.stream("POST", _RUN, limits, body=body, call=call) as stream:
            if not 200 <= stream.status < 300:
                raise answers.read_refusal(HttpResponse(stream.status, stream.headers, stream.read()))
            last = _follow(stream, on_started)
        reply = HttpResponse(200, _JSON, last)
        call.keep(reply)
        return answers.read_workflow(reply, names)

    def find_by_user(self, user: str, *, seconds: float = _LOOK_SECONDS) -> FoundRun | None:
        """The finished run of this user, which must be unique; None where the logs have none (yet). `seconds`: for all
        of their pages."""
        until = clock.monotonic() + seconds
        for page in range(1, _MOST_PAGES + 1):
            limits = MisoCallLimits(until - clock.monotonic())
            query = {"keyword": user, "page": str(page), "limit": str(_LOGS_PER_PAGE)}
            found, has_more = answers.read_logged_run(
                self._connection.call("GET", "/workflows/logs", limits, query=query), user
            )
            if found or not has_more:
                return found
        return None

    def look_up(self, run_id: str) -> FoundRun | None:
        """None for a run that MISO does not know. The details of one that has ended are its answer."""
        reply = self._connection.call("GET", _RUN + path_of(run_id), MisoCallLimits(_LOOK_SECONDS))
        return None if reply.status == 404 else answers.read_found_run(reply)

    def stop(self, task_id: str, user: str) -> None:
        """Has an effect on streamed runs only; MISO says yes to everything."""
        path = f"/workflows/tasks{path_of(task_id)}/stop"
        reply = self._connection.call("POST", path, MisoCallLimits(STOP_SECONDS), body={"user": user})
        if not 200 <= reply.status < 300:
            raise answers.read_refusal(reply)


def _body(inputs: Mapping[str, str], user: str, mode: str) -> dict[str, Any]:
    return {"inputs": dict(inputs), "mode": mode, "user": user, "files": []}


def _follow(stream: HttpStream, on_started: Callable[[RunIds], object]) -> bytes:
    """The data of the last event. Raises MisoError."""
    parser, is_known, is_readable = EventParser(MAX_ANSWER_BYTES), False, True
    try:
        for piece in stream.pieces():
            for event in parser.feed(piece):
                fields = read_event(event)
                is_readable = is_readable and (bool(fields) or not event.data)
                if not is_known and (ids := answers.ids_of(fields)).run_id:
                    is_known = True
                    on_started(ids)
                if fields.get("event") == "workflow_finished":
                    return event.data
                if fields.get("event") == "error":
                    raise answers.read_event_error(fields)
    except EventTooLarge as exc:
        raise MisoAnswerInvalid(reason="too_large") from exc
    if not is_readable:  # it came to its end, and one of its events may have been the last
        raise MisoAnswerInvalid(reason="not_json")
    raise MisoAnswerLost(reason="broken_response")
