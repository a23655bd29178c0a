"""Three invented people: the owner of a session, a colleague with a session of their own, a stranger with none."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.clock import clock
from core.names import Status, Step
from models.collection import RunState
from models.patients import ConsentKind
from services.collection.files import CollectedAnswer, CollectedData, import_package, packages_of
from services.collection.run_store import lock_run, save_run
from services.collection.transitions import note_change
from services.collection.windows import checkup_window, treatment_window
from services.patients.identity import Identity
from services.patients.session_rows import note_identified
from services.stores import Stores
from spool import KeptAnswer
from webapp.current import parts

ORIGIN = "http://welno.test"
API = "/api/v1"
FORM: dict[str, Any] = {
    "user_name": "김하늘",
    "phone_no": "010-1234-5678",
    "birthdate": "19840517",
    "private_auth_type": "0",
    "gender": "M",
    "consents": list(ConsentKind),
}


@dataclass
class Person:
    """Somebody with an HTTP client. Asks by bearer token, unless told to use the cookie."""

    client: FlaskClient
    session_id: str = ""
    token: str = ""
    patient_uuid: UUID | None = None
    form: dict[str, Any] = field(default_factory=dict)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = self.bearer | more.pop("headers", {})
        return self.client.open(API + path, method=method, headers=headers, **more)

    def session(self, method: str, path: str = "", **more: Any) -> TestResponse:
        return self.ask(method, f"/tilko/session/{self.session_id}{path}", **more)


def arrive(app: Flask, **changes: Any) -> Person:
    """A person who has started a session."""
    client, form = app.test_client(use_cookies=False), FORM | changes
    answer = client.post(f"{API}/tilko/session/start", json=form)
    assert answer.status_code == 201, answer.text
    return Person(client, answer.json["session_id"], answer.json["session_token"], form=form)


def stranger(app: Flask) -> Person:
    return Person(app.test_client(use_cookies=False))


def change_run(app: Flask, session_id: str, **values: Any) -> None:
    """What a worker would have done to the run, and its Redis copy."""
    with parts(app).stores.unit_of_work() as work:
        run = lock_run(work.session, UUID(session_id))
        for name, value in values.items():
            setattr(run, name, value)
        note_change(run, clock.now())
        save_run(work, run)


def collect(app: Flask, person: Person, checkups: list[Any], treatments: list[Any]) -> None:
    """The person's collection, completed: their records stand in the tables."""
    stores: Stores = parts(app).stores
    now = clock.now()
    values = person.form | {"birthdate": clock.now().strptime(person.form["birthdate"], "%Y%m%d").date()}
    identity = Identity(**{name: value for name, value in values.items() if name != "consents"})
    uuid = identity.derive_uuid(stores.settings.secrets.pseudonym_key)
    answers = [
        CollectedAnswer(KeptAnswer(orjson.dumps({"Status": "OK", "ErrorCode": 0, "ResultList": rows})), now, window)
        for rows, window in ((checkups, checkup_window(now)), (treatments, treatment_window(now)))
    ]
    collected = CollectedData(UUID(person.session_id), uuid, "PEERNINE", identity, *answers)
    with stores.unit_of_work() as work:
        for package in packages_of(collected, now):
            import_package(work.session, package, now)
        note_identified(work.session, UUID(person.session_id), uuid, now)
    person.patient_uuid = uuid
    change_run(
        app,
        person.session_id,
        status=Status.COMPLETED,
        step=Step.FINISH,
        run_state=RunState.ENDED,
        patient_uuid=uuid,
        auth_completed_at=now,
        saved_at=now,
        health_count=len(checkups),
        prescription_count=len(treatments),
    )
    person.token = person.session("GET", "/status").json["session_token"]
