"""Acts for the person and their phone, and looks at what became of a session: row, events, bills."""

import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import orjson
from sqlalchemy import text

from core.clock import clock
from core.names import Status, session_subject
from core.settings import Settings
from models.collection import CollectionRun
from models.patients import ConsentKind
from services.collection.pushes import PushPending
from services.collection.requests import Asked, ask_for_collection, cancel_session
from services.collection.sessions import start_session
from services.delivery.event_sweep import StreamSweep
from services.delivery.unit_of_work import TaskCall
from services.patients.identity import Identity
from services.stores import Stores, build_stores
from tests.plain_http import NO_TLS
from tests.waiting import WAIT_SECONDS, wait_until

REPORT = "/disease-report"
AUTH, LOGIN_CHECK = "simpleauthrequest", "logincheck"
CHECKUPS, TREATMENTS, MEDIARC = "ggpab003m0105", "retrievetreatment", "mediarc"

_numbers = itertools.count(1)


def make_identity(**changes: Any) -> Identity:
    """Somebody whom nobody has met."""
    person: dict[str, Any] = {
        "user_name": "정가람",
        "phone_no": f"0105{next(_numbers):07}",
        "birthdate": date(1980, 1, 2),
        "gender": "M",
        "private_auth_type": "0",
    }
    return Identity(**(person | changes))


class Driver:
    """Without a web process: the services are called as its routes would."""

    def __init__(self, env: dict[str, str], send: Callable[[TaskCall], object]) -> None:
        self.settings = Settings.read(env)
        self.send = send
        self.stores: Stores = build_stores(self.settings, clock, send)
        self.sandbox = httpx.Client(base_url=self.settings.providers.tilko_base_url, timeout=30, verify=NO_TLS)
        self.tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.close()
        self.stores.close()

    # the person

    def start(self, identity: Identity, *, redirect_path: str | None = None) -> str:
        with self.stores.unit_of_work() as work:
            started = start_session(
                work,
                identity,
                redirect_path=redirect_path,
                lifetime=self.stores.session_lifetime,
                sealer=self.stores.sealer,
                given=self.stores.consents.agree(identity, list(ConsentKind), wants_report=True, now=clock.now()),
                now=clock.now(),
                request_id="req-1",
            )
        self.tokens[started.session_id] = started.token
        return started.session_id

    def start_somebody(self) -> str:
        return self.start(make_identity())

    def ask_auth(self, session_id: str) -> Asked | PushPending:
        with self.stores.unit_of_work() as work:
            return self.stores.pushes.ask(work, UUID(session_id), now=clock.now(), request_id="req-1")

    def ask_collection(self, session_id: str) -> Asked:
        with self.stores.unit_of_work() as work:
            return ask_for_collection(work, UUID(session_id), now=clock.now(), request_id="req-1")

    def cancel(self, session_id: str) -> None:
        with self.stores.unit_of_work() as work:
            cancel_session(work, UUID(session_id), now=clock.now())

    def leave(self) -> None:
        """End every session that is still open, so that the next test has the processes to itself."""
        self.clear_faults()
        for session_id in self.tokens:
            self.cancel(session_id)

    def arrive(self, *, report: bool = False, known: bool = True, auth_type: str = "0", **traits: Any) -> str:
        """A person whom the provider knows (or not) starts a session and asks for the push."""
        identity = make_identity(private_auth_type=auth_type)
        if known:
            self.add_person(identity, **traits)
        session_id = self.start(identity, redirect_path=REPORT if report else "/results-trend")
        self.ask_auth(session_id)
        return session_id

    def wait_for_push(self, **traits: Any) -> str:
        session_id = self.arrive(**traits)
        self.cxid(session_id)
        return session_id

    def approved(self, **traits: Any) -> str:
        """A session whose person has approved at once."""
        session_id = self.wait_for_push(**traits)
        self.approve(session_id)
        return session_id

    # the phone, and the provider's weather

    def add_person(self, identity: Identity, **traits: Any) -> None:
        person = {
            "user_name": identity.user_name,
            "birthdate": f"{identity.birthdate:%Y%m%d}",
            "phone_no": identity.phone_no,
            "gender": identity.gender,
            "checkups": 2,
            "prescriptions": 3,
            "image_bytes": 16,
        }
        self._post("/control/people", person | traits)

    def approve(self, session_id: str, push: int = 1) -> None:
        self._post("/control/approve", {"CxId": self.cxid(session_id, push)})

    def approve_with(self, session_id: str, fault_id: str) -> None:
        """Approve now, while a fault that was set before spoils each answer."""
        assert self._fault(fault_id)["fault_id"] == fault_id
        self.approve(session_id)

    def decline(self, session_id: str) -> None:
        self._post("/control/decline", {"CxId": self.cxid(session_id)})

    def fault(self, path: str, **what: Any) -> str:
        fault_id: str = self._post("/control/faults", {"path": path} | what)["fault_id"]
        return fault_id

    def wait_until_held(self, fault_id: str, timeout: float = WAIT_SECONDS) -> None:
        wait_until(lambda: self._fault(fault_id)["waiting"], timeout)

    def release(self, fault_id: str) -> None:
        self._post(f"/control/faults/{fault_id}/release", {})

    def hits(self, fault_id: str) -> int:
        hits: int = self._fault(fault_id)["hits"]
        return hits

    def set_login_check(self, *missing: str) -> None:
        """Which versions of it the provider does not have."""
        self._post("/control/login-check", {"missing": missing})

    def clear_faults(self) -> None:
        self.sandbox.delete("/control/faults").raise_for_status()

    # what became of it

    def cxid(self, session_id: str, push: int = 1) -> str:
        """Of the push that was sent as the first, second, ..."""

        def find() -> list[str]:
            keys = [e["data"]["cx_id"] for e in self.events(session_id) if e["type"] == "auth_key_received"]
            return keys[push - 1 : push]

        return wait_until(find)[0]

    def run(self, session_id: str) -> CollectionRun:
        with self.stores.sessions() as session:
            return session.get_one(CollectionRun, UUID(session_id))

    def wait_for(self, session_id: str, *statuses: Status, timeout: float = WAIT_SECONDS) -> CollectionRun:
        try:
            wait_until(lambda: self.run(session_id).status in statuses, timeout)
        except AssertionError as exc:
            run = self.run(session_id)
            seen = (run.status, run.step, run.run_state, run.attempts, run.takeovers, self.event_names(session_id))
            raise AssertionError(f"{exc}: {seen}") from None
        wait_until(lambda: not self.unsent(session_id))
        return self.run(session_id)

    def wait_for_event(self, session_id: str, name: str, timeout: float = WAIT_SECONDS) -> dict[str, Any]:
        found = wait_until(lambda: [e for e in self.events(session_id) if name_of(e) == name], timeout)
        return found[0]

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """As any reader gets them, from the first one on."""
        page = self.stores.events.read_after(session_subject(session_id), 0)
        assert not page.gone
        return [orjson.loads(event.to_json()) for event in page.events]

    def event_names(self, session_id: str) -> list[str]:
        """Names of the events in their order; of `streaming_status` its state."""
        events = self.events(session_id)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        return [name_of(event) for event in events]

    def unsent(self, session_id: str) -> int:
        """How many logged events have not reached their stream."""
        [at] = self.stores.streams.positions([session_subject(session_id)])
        return self.run(session_id).event_seq - at.seq

    def sweep_streams(self, seconds_since_last: float = 0) -> int:
        """As the sweeper does, once the senders have had their time."""
        stores = self.stores
        sweep = StreamSweep(stores.sessions, stores.streams, stores.kinds, stores.sender, settle_seconds=0)
        return sweep.run(seconds_since_last)

    def steps(self, session_id: str) -> list[tuple[str, str]]:
        """Each try of each step and how it ended."""
        query = "select step, outcome from welno.welno_collection_steps where session_id = :id order by id"
        return [(row.step, row.outcome) for row in self.rows(query, id=session_id)]

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.stores.engine.begin() as connection:
            return list(connection.execute(text(query), values).all())

    def value(self, query: str, **values: Any) -> Any:
        return self.rows(query, **values)[0][0]

    def execute(self, statement: str, **values: Any) -> None:
        with self.stores.engine.begin() as connection:
            connection.execute(text(statement), values)

    def calls(self, session_id: str, path: str = "", push: int = 1) -> list[dict[str, Any]]:
        answer = self.sandbox.get("/control/calls", params={"cxid": self.cxid(session_id, push), "path": path}).json()
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    def billed(self, session_id: str) -> tuple[int, int, int]:
        """What was paid for: checkups, prescriptions, reports."""
        answer = self.sandbox.get("/control/calls", params={"cxid": self.cxid(session_id)}).json()
        counts = answer["billed"].get(self.cxid(session_id), {"checkups": 0, "prescriptions": 0})
        reports = answer["reports"].get(f"TM_WELNO_{UUID(session_id).hex}", 0)
        return counts["checkups"], counts["prescriptions"], reports

    def served(self, session_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.sandbox.get("/control/served", params={"cxid": self.cxid(session_id)}).json()
        return answer

    def files(self, session_id: str) -> dict[str, list[str]]:
        """The session's files by folder; temporary ones included."""
        root = Path(self.settings.files.data_dir)
        found: dict[str, list[str]] = {}
        for path in sorted(root.rglob(f"*{session_id}*")):
            if path.is_file():
                found.setdefault(path.relative_to(root).parts[0], []).append(path.name)
        return found

    def _fault(self, fault_id: str) -> dict[str, Any]:
        faults = self.sandbox.get("/control/faults").json()["faults"]
        return next(fault for fault in faults if fault["fault_id"] == fault_id)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.sandbox.post(path, json=body)
        assert answer.is_success, answer.text
        fields: dict[str, Any] = answer.json()
        return fields


def name_of(event: dict[str, Any]) -> str:
    name: str = event["status"] if event["type"] == "streaming_status" else event["type"]
    return name
