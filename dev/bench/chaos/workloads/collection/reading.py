"""Reads, once the settling time is over, everything that is known of the sessions."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import orjson

from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from dev.bench.chaos.workloads.collection.collection_history import BilledCall, CollectionHistory, Digest, FinalRun
from dev.bench.chaos.workloads.collection.product import (
    DATA_TYPES,
    PROVIDER_PATHS,
    RECORD_TABLES,
    REPORTS_TABLE,
    RUNS_TABLE,
    SERVED_COLUMNS,
    STEPS_TABLE,
    FileStore,
    as_served,
    read_committed_events,
    read_cxids,
    read_ends,
    read_streams,
)
from dev.bench.chaos.workloads.collection.recording import read_changes

_RUNS = f"""
select session_id::text, status, step, run_state, patient_uuid::text, error_code, health_count,
    identity is not null or auth is not null, health_failed, prescriptions_failed from {RUNS_TABLE}
"""
# The push may be asked for again, for a phone that did not get it.
_REPEATED_STEPS = f"""
select session_id::text, step, count(*) from {STEPS_TABLE} where outcome = 'done' and step <> 'request_simple_auth'
group by 1, 2 having count(*) > 1
"""


def read_collections(
    system: SystemUnderTest, recorder: DatabaseRecorder, arrived: Mapping[str, Sequence[float]]
) -> CollectionHistory:
    """`arrived` by name of the file. Without what clients and nemesis know."""
    files = FileStore(system.env)
    runs = [_final_run(row) for row in recorder.query(_RUNS)]
    committed = read_committed_events(recorder)
    history = CollectionHistory(
        work=read_changes(recorder),
        runs={run.session_id: run for run in runs},
        committed=committed,
        streams=read_streams(system.env["REDIS_URL"], list(committed)),
        ends=read_ends(recorder),
        repeated_steps=[(session_id, step, count) for session_id, step, count in recorder.query(_REPEATED_STEPS)],
        arrived={
            (run.session_id, kind): list(arrived.get(f"{run.session_id}_{data_type}.raw", ()))
            for run in runs
            for kind, data_type in DATA_TYPES.items()
        },
        files={key: digest for run in runs for key, digest in _read_files(files, run.session_id)},
        stored_records=_read_records(recorder),
        made_reports={session_id for (session_id,) in recorder.query(f"select session_id::text from {REPORTS_TABLE}")},
        leftover_files=list(find_leftover_files(files)),
    )
    with httpx.Client(base_url=system.sandbox_url, timeout=60) as sandbox:
        _read_provider(sandbox, read_cxids(recorder), history)
    return history


def _final_run(row: Sequence[Any]) -> FinalRun:
    *known, health_failed, prescriptions_failed = row
    failed = {"checkups": health_failed, "prescriptions": prescriptions_failed}
    failed_kinds = frozenset(kind for kind, has_failed in failed.items() if has_failed)
    return replace(FinalRun(*known), failed_kinds=failed_kinds)


def _read_files(files: FileStore, session_id: str) -> Iterator[tuple[tuple[str, str], Digest]]:
    packages = files.read_packages(session_id)
    for kind, data_type in DATA_TYPES.items():
        if data_type in packages:
            yield (session_id, kind), _digest(packages[data_type])


def _read_records(recorder: DatabaseRecorder) -> dict[tuple[str, str], list[Digest]]:
    records: dict[tuple[str, str], list[Digest]] = {}
    for kind, table in RECORD_TABLES.items():
        for patient_uuid, *parts in recorder.query(f"select patient_uuid::text, {SERVED_COLUMNS[kind]} from {table}"):
            records.setdefault((patient_uuid, kind), []).append(_digest(as_served(*parts)))
    return records


def find_leftover_files(files: FileStore) -> Iterator[str]:
    for folder in ("incoming", "pending", "failed"):
        for name in sorted(files.names(folder)):
            yield f"{folder}/ still holds {'a temporary file' if name.startswith('.') else name}"


def _read_provider(sandbox: httpx.Client, cxids: Mapping[str, str], history: CollectionHistory) -> None:
    for kind, path in PROVIDER_PATHS.items():
        calls = sandbox.get("/control/calls", params={"path": path}).json()["calls"]
        history.billed += [_billed_call(call, cxids[call["cxid"]], kind) for call in calls if _is_ours(call, cxids)]
    history.paid_reports = sandbox.get("/control/calls", params={"path": "nothing"}).json()["reports"]
    for cxid, session_id in cxids.items():
        run = history.runs.get(session_id)
        if run is not None and run.status == "completed":
            served = sandbox.get("/control/served", params={"cxid": cxid}).json()
            _note_served(history, run, served)


def _is_ours(call: Mapping[str, Any], cxids: Mapping[str, str]) -> bool:
    return bool(call["billed"] and call["cxid"] in cxids)


def _billed_call(call: Mapping[str, Any], session_id: str, kind: str) -> BilledCall:
    began_at = datetime.fromisoformat(call["at"]).timestamp()
    return BilledCall(session_id, kind, began_at, was_delivered=bool(call["delivered"]))


def _note_served(history: CollectionHistory, run: FinalRun, served: Mapping[str, Sequence[Any]]) -> None:
    for kind in DATA_TYPES:
        answers = history.served.setdefault((run.session_id, kind), set())
        answers |= {_digest(answer) for answer in served[kind]}
        of_kind = history.failed_records if kind in run.failed_kinds else history.served_records
        records = of_kind.setdefault((run.patient_uuid, kind), set())
        records |= {_digest(record) for answer in served[kind] for record in answer["ResultList"] or []}


def _digest(value: object) -> Digest:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
