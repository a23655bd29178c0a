"""Reads, once the settling time is over, everything that the stores and MISO know of the interviews."""

import re
from collections import Counter
from typing import Any

import httpx

from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.workloads.interviews.interview_history import Attempt, Event

_USER = re.compile(r"iv-([0-9a-f-]{36})-(\d+)-[0-9a-f]+")
_STORED = "select id::text, project_id::text from welno.interviews"
_COMMITTED = """
select split_part(subject, ':', 2), seq, body::jsonb from welno.welno_events
where kind = 'project' order by subject, seq
"""
_RUNS = """
select r.interview_id::text, state, step, owner_id, c.miso_user is not null from welno.interview_runs r
left join welno.interview_unsettled_calls c on c.interview_id = r.interview_id and c.task_id is not null
where state <> 'ended' or owner_id is not null or c.miso_user is not null
"""
_UNPAIRED = """
select coalesce(i.id, r.interview_id)::text from welno.interviews i
full join welno.interview_runs r on r.interview_id = i.id where i.id is null or r.interview_id is null
"""
_Calls = list[dict[str, Any]]


def read_stored(recorder: DatabaseRecorder) -> dict[str, str]:
    return dict(recorder.query(_STORED))


def read_committed(recorder: DatabaseRecorder) -> dict[str, list[Event]]:
    """Of each project what the event log holds."""
    committed: dict[str, list[Event]] = {}
    for project_id, seq, body in recorder.query(_COMMITTED):
        committed.setdefault(project_id, []).append((seq, body))
    return committed


def find_open_runs(recorder: DatabaseRecorder) -> list[str]:
    left = [
        f"the run of {interview_id} is left {state} at {step}, owned by {owner_id}{', to be stopped' * is_to_stop}"
        for interview_id, state, step, owner_id, is_to_stop in recorder.query(_RUNS)
    ]
    unpaired = [f"{one} is a run without an interview, or the other way round" for (one,) in recorder.query(_UNPAIRED)]
    return left + unpaired


def read_billed(sandbox: httpx.Client) -> dict[Attempt, int]:
    billed: Counter[Attempt] = Counter()
    for user, times in sandbox.get("/control/miso/calls", params={"path": "nothing"}).json()["billed"].items():
        if match := _USER.fullmatch(user):
            billed[Attempt(match[1], int(match[2]))] += times
    return dict(billed)


def read_calls_of(sandbox: httpx.Client, user: str) -> _Calls:
    calls: _Calls = sandbox.get("/control/miso/calls", params={"path": "workflows/run", "user": user}).json()["calls"]
    return calls
