"""After the last blow: what was lost, what was done twice, what was left behind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson
import redis

from core.clock import clock
from core.sealing import Sealer
from core.settings import Settings
from dev.bench.chaos.stage import Stage
from dev.bench.chaos.town import Visit
from dev.bench.chaos.witness import IncomingWatch, Witness
from spool import Package, Spool
from streams import Streams

_KINDS = {"checkups": "health_data", "prescriptions": "prescription_data"}
_TABLES = {"checkups": "welno_checkup_data", "prescriptions": "welno_prescription_data"}
_PATHS = {"checkups": "ggpab003m0105", "prescriptions": "retrievetreatment"}


@dataclass
class Verdict:
    """Each finding is a sentence about one session or one thing. `lost_in_flight` were paid and never reached us."""

    sessions: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost_in_flight: int = 0
    abandoned: int = 0
    billed: int = 0
    rows: int = 0
    resyncs: int = 0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.left)


class Judge:
    """Reads everything once the settling time is over."""

    def __init__(self, stage: Stage, witness: Witness, watch: IncomingWatch, visits: Iterable[Visit]) -> None:
        self._stage = stage
        self._witness = witness
        self._arrived = watch.arrived
        self._visits = {visit.session_id: visit for visit in visits if visit.session_id}
        self._verdict = Verdict()
        settings = Settings.read(stage.stack.env)
        self._spool = Spool(settings.files.data_dir, Sealer(settings.secrets.sealing_keys), clock)
        self._http = httpx.Client(base_url=stage.stack.sandbox_url, timeout=60)

    def judge(self) -> Verdict:
        runs = self._runs()
        self._judge_ends(runs)
        self._judge_events(runs)
        self._judge_steps()
        self._judge_bills(runs)
        self._judge_rows(runs)
        self._judge_reports(runs)
        self._judge_clients()
        return self._verdict

    def _runs(self) -> dict[str, dict[str, Any]]:
        names = ("session_id", "status", "step", "run_state", "patient_uuid", "error_code", "health_count", "owner_id")
        rows = self._witness.query(
            f"select session_id::text, {', '.join(names[1:])} from welno.welno_collection_history"
        )
        return {row[0]: dict(zip(names, row, strict=True)) for row in rows}

    def _judge_ends(self, runs: dict[str, dict[str, Any]]) -> None:
        for session_id, run in runs.items():
            visit = self._visits.get(session_id)
            if visit is None or visit.asked_at is None:
                # The web died before it could say the session's id to its client: nobody knows of it, it expires.
                self._verdict.abandoned += 1
                continue
            self._verdict.sessions += 1
            if run["status"] != "completed" or run["run_state"] != "ended":
                self._verdict.lost.append(
                    f"{session_id} stands at {run['step']}: {run['run_state']}, {run['status']}, {run['error_code']}"
                )
        for session_id, visit in self._visits.items():
            if session_id not in runs:
                self._verdict.lost.append(f"{session_id} was promised to {visit.began_at} and is unknown")

    def _judge_events(self, runs: dict[str, dict[str, Any]]) -> None:
        committed: dict[str, list[Any]] = {}
        for session_id, body in self._witness.query("select session_id, body from chaos.events order by outbox_id"):
            committed.setdefault(session_id, []).append(body)
        for session_id, run in runs.items():
            if run["status"] != "completed":
                continue
            ends = [_is_end(body) for body in committed.get(session_id, [])]
            if ends.count(True) != 1 or not ends[-1]:
                self._verdict.doubled.append(f"{session_id}: completed {ends.count(True)} times, last: {ends[-1:]}")
        for (left,) in self._witness.query("select count(*) from welno.welno_outbox"):
            if left:
                self._verdict.lost.append(f"{left} events were never sent")
        self._judge_streams(committed)

    def _judge_streams(self, committed: dict[str, list[Any]]) -> None:
        """What Redis still has: without holes, in the order of the commits, and nothing after the end."""
        with redis.Redis.from_url(self._stage.stack.valkey.url) as client:
            streams = Streams(client)
            for session_id, expected in committed.items():
                page = streams.read_after(f"tilko_session:{session_id}", 0)
                bodies = [event.body for event in page.events]
                if [event.seq for event in page.events] != list(range(1, len(bodies) + 1)):
                    self._verdict.lost.append(f"{session_id}: a hole in the stream")
                places = [expected.index(body) for body in bodies if body in expected]
                if len(places) < len(bodies):
                    self._verdict.doubled.append(f"{session_id}: its stream holds what was never committed")
                if places != sorted(set(places)):
                    self._verdict.doubled.append(f"{session_id}: its stream is in the order {places}")
                if any(map(_is_end, bodies[:-1])):
                    self._verdict.doubled.append(f"{session_id}: completed is not the last of its stream")

    def _judge_steps(self) -> None:
        rows = self._witness.query(
            "select session_id::text, step, count(*) from welno.welno_collection_steps where outcome = 'done'"
            " and step <> 'request_simple_auth' group by 1, 2 having count(*) > 1"
        )
        self._verdict.doubled += [f"{session_id}: {step} was done {count} times" for session_id, step, count in rows]

    def _judge_bills(self, runs: dict[str, dict[str, Any]]) -> None:
        """A call is doubled when it began after the answer of its kind had reached the disk."""
        cxids = self._cxids()
        for kind in _KINDS:
            calls = self._http.get("/control/calls", params={"path": _PATHS[kind]}).json()["calls"]
            billed: dict[str, list[dict[str, Any]]] = {}
            for call in calls:
                session_id = cxids.get(call["cxid"], "")
                if call["billed"] and session_id in runs:
                    billed.setdefault(session_id, []).append(call)
            for session_id, paid in billed.items():
                self._judge_paid(session_id, kind, paid)
        self._verdict.lost_in_flight -= sum(len(moments) > 0 for moments in self._arrived.values())

    def _judge_paid(self, session_id: str, kind: str, paid: list[dict[str, Any]]) -> None:
        self._verdict.billed += len(paid)
        arrived = self._arrived.get(f"{session_id}_{_KINDS[kind]}.raw", [])
        paid = sorted(paid, key=lambda call: call["at"])
        began = [datetime.fromisoformat(call["at"]).timestamp() for call in paid]
        # The first one is where the answer came from, whatever two clocks say of it.
        late = [moment for moment in began[1:] if arrived and moment > arrived[0]]
        self._verdict.lost_in_flight += len(paid) - len(late)
        if late:
            story = ", ".join(
                f"{moment - arrived[0]:+.3f} s{'' if call['delivered'] else ' cut'}"
                for moment, call in zip(began, paid, strict=True)
            )
            self._verdict.doubled.append(f"{session_id}: {kind} was paid at {story}")

    def _cxids(self) -> dict[str, str]:
        rows = self._witness.query(
            "select body->'data'->>'cx_id', session_id from chaos.events where body->>'type' = 'auth_key_received'"
        )
        return dict(rows)

    def _judge_rows(self, runs: dict[str, dict[str, Any]]) -> None:
        served_to: dict[str, dict[str, set[str]]] = {}
        for cxid, session_id in self._cxids().items():
            run = runs.get(session_id)
            if run is None or run["status"] != "completed":
                continue
            served = self._http.get("/control/served", params={"cxid": cxid}).json()
            self._judge_files(session_id, served)
            kept = served_to.setdefault(str(run["patient_uuid"]), {kind: set() for kind in _KINDS})
            for kind in _KINDS:
                kept[kind] |= {_text(row) for answer in served[kind] for row in answer["ResultList"] or []}
        for patient_uuid, expected in served_to.items():
            self._judge_patient(patient_uuid, expected)

    def _judge_patient(self, patient_uuid: str, expected: dict[str, set[str]]) -> None:
        for kind, table in _TABLES.items():
            rows = self._witness.query(f"select raw_data from welno.{table} where patient_uuid = %s", patient_uuid)
            stored = Counter(_text(row) for (row,) in rows)
            self._verdict.rows += len(rows)
            if missing := expected[kind] - set(stored):
                self._verdict.lost.append(f"patient {patient_uuid}: {len(missing)} {kind} are missing")
            if len(rows) > len(expected[kind]):
                self._verdict.doubled.append(f"patient {patient_uuid}: {len(rows)} {kind} of {len(expected[kind])}")

    def _judge_files(self, session_id: str, served: dict[str, list[Any]]) -> None:
        """Each package holds one of the answers as it was served; the balance in it tells one answer from another."""
        packages = {info.data_type.value: self._spool.export(info.name) for info in self._spool.names_of(session_id)}
        for kind, data_type in _KINDS.items():
            package: Package | None = packages.get(data_type)
            if package is None or package.raw_data not in served[kind]:
                self._verdict.lost.append(f"{session_id}: the file of the {kind} is not what was served")

    def _judge_reports(self, runs: dict[str, dict[str, Any]]) -> None:
        reports = self._http.get("/control/calls", params={"path": "nothing"}).json()["reports"]
        self._verdict.doubled += [f"report {tid} was paid {count} times" for tid, count in reports.items() if count > 1]
        made = {row[0] for row in self._witness.query("select session_id::text from welno.welno_mediarc_reports")}
        wanted = [
            session_id
            for session_id, run in runs.items()
            if run["status"] == "completed" and run["health_count"] and self._wants_report(session_id)
        ]
        # A person keeps the newest report only, so one of an earlier session may have been replaced.
        unmade = [session_id for session_id in wanted if session_id not in made and self._came_once(session_id)]
        self._verdict.lost += [f"{session_id}: its report was never made" for session_id in unmade]

    def _wants_report(self, session_id: str) -> bool:
        visit = self._visits.get(session_id)
        return visit is not None and visit.wants_report

    def _came_once(self, session_id: str) -> bool:
        guest = self._visits[session_id].guest
        return sum(visit.guest is guest for visit in self._visits.values()) == 1

    def _judge_clients(self) -> None:
        for session_id, visit in self._visits.items():
            self._verdict.resyncs += visit.resyncs
            if visit.asked_at is not None and visit.ended_at is None:
                self._verdict.lost.append(f"{session_id}: its client never saw the end")
            for violation in visit.violations:
                self._verdict.doubled.append(f"{session_id}: its client saw {violation}")
            if len(visit.completed_in) != len(set(visit.completed_in)):
                self._verdict.doubled.append(f"{session_id}: its client saw completed twice")


def _is_end(body: dict[str, Any]) -> bool:
    return bool(body["type"] == "streaming_status" and body["status"] == "completed")


def _text(row: Any) -> str:
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode()
