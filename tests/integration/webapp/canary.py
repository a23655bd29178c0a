"""An invented person who leaves something in every place, and the search for what is left of them."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import redis
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from core.clock import clock
from core.names import session_subject
from models.accounts import Account, Scope
from models.collection import CollectionStep, Push
from models.journey import Appointment, Exam, JourneyRole, NfcTag, ScanToken, TagLog
from models.patients import (
    DEFAULT_HOSPITAL,
    CampaignPayment,
    MediarcReport,
    RecordVersion,
)
from models.shl import FetchKind, HealthLink, HealthLinkFetch, HealthLinkFile, HealthLinkLocation
from models.table import Table
from models.webhooks import Webhook, WebhookDelivery
from services.accounts.hashing import PasswordHashes
from services.accounts.logins import open_login
from services.collection.files import CollectedAnswer, CollectedData, packages_of
from services.collection.windows import treatment_window
from services.delivery.partitions import keep_partitions
from services.journey.actions import Expectation, perform_action
from services.journey.actors import JourneyActor
from services.journey.calling import call_next
from services.journey.people import NewUser
from services.journey.web_push.subscriptions import make_target
from services.patients.erasing import ErasureJob
from services.patients.identity import Identity
from services.patients.passwords import reset_password
from services.personal_data import build_erasure_job
from services.personal_exports import build_export
from services.stores import Stores
from spool import AnswerKind, DataType, KeptAnswer, Package, Spool
from tests.end_to_end.haystack import find_in, redis_contents
from tests.integration.services.conftest import checkup, treatment
from tests.push_browser import PushBrowser
from webapp.current import parts

from .people import Person, arrive, collect

PASSWORD = "592704"
NAME, PHONE, PLACE, PHARMACY = "곽카나리", "01031415926", "카나리검진의원", "카나리약국"


@dataclass
class Canary:
    """A person with something in every place."""

    person: Person
    identity: Identity
    stores: Stores
    spool: Spool
    user_id: UUID = field(default_factory=uuid4)

    @property
    def uuid(self) -> UUID:
        assert self.person.patient_uuid is not None
        return self.person.patient_uuid

    @property
    def needles(self) -> dict[str, str]:
        return {
            "name": NAME,
            "masked name": "곽**리",
            "phone": PHONE,
            "dashed phone": "010-3141-5926",
            "birth date": "19631119",
            "dashed birth date": "1963-11-19",
            "uuid": str(self.uuid),
            "hospital": PLACE,
            "pharmacy": PHARMACY,
            "address": "203.0.113.77",
            "session": self.person.session_id,
            "journey": str(self.user_id),
        }

    def package(self, session_id: UUID, kind: DataType) -> Package:
        health, drugs = served([checkup(location=PLACE)]), served([treatment(place=PHARMACY)])
        data = CollectedData(session_id, self.uuid, "PEERNINE", self.identity, health, drugs)
        return next(one for one in packages_of(data, clock.now()) if one.metadata.data_type == kind)

    def job(self) -> ErasureJob:
        return build_erasure_job(self.stores, self.spool)

    def ask(self, **body: str) -> TestResponse:
        return self.person.ask("DELETE", f"/patients/{self.uuid}", json=body or None)

    def is_asked_for(self) -> UUID:
        answer = self.ask()
        assert answer.status_code == 202, answer.text
        return UUID(answer.json["erasure_id"])

    def is_erased(self) -> UUID:
        erasure_id = self.is_asked_for()
        self.job().run(erasure_id)
        return erasure_id


def served(rows: list) -> CollectedAnswer:
    raw = orjson.dumps({"Status": "OK", "ErrorCode": 0, "ResultList": rows})
    return CollectedAnswer(KeptAnswer(raw), clock.now(), treatment_window(clock.now()))


def bring_canary(app: Flask) -> Canary:
    """With records, files, a visit and a link."""
    stores, spool = parts(app).stores, parts(app).spool
    form = {"user_name": NAME, "phone_no": PHONE, "birthdate": "19631119"}
    person = arrive(app, **form)
    collect(app, person, [checkup(location=PLACE)], [treatment(place=PHARMACY)])
    identity = Identity(**form | {"birthdate": date(1963, 11, 19), "gender": "M", "private_auth_type": "0"})
    canary = Canary(person, identity, stores, spool)
    leaves_files_in_every_state(canary)
    leaves_traces(canary)
    goes_to_the_hospital(canary)
    shows_a_doctor(canary)
    return canary


def leaves_files_in_every_state(canary: Canary) -> None:
    """Also of a session of which no row tells any more."""
    spool, session_id = canary.spool, UUID(canary.person.session_id)
    name = spool.put_pending(canary.package(session_id, DataType.PATIENT))
    with spool.claim(name) as claimed:
        spool.complete(claimed)
    spool.fail(spool.put_pending(canary.package(session_id, DataType.HEALTH)), "database_22003")
    spool.put_pending(canary.package(session_id, DataType.PRESCRIPTION))
    spool.put_incoming(str(session_id), AnswerKind.HEALTH, KeptAnswer(b"raw"))
    spool.put_incoming(str(session_id), AnswerKind.PRESCRIPTION, KeptAnswer(b"torn"))
    spool.park_incoming(str(session_id), AnswerKind.PRESCRIPTION, "damaged_truncated")
    spool.park(spool.put_pending(canary.package(uuid4(), DataType.PATIENT)), "damaged_checksum")


@cache
def _hash_of_password(hashes: PasswordHashes) -> str:
    """Once: a hash takes its time."""
    return hashes.hash(PASSWORD)


def leaves_traces(canary: Canary) -> None:
    """Looks, a password, an order, an agreement, limits, events."""
    path = f"/patients/{canary.uuid}"
    more = {"environ_base": {"REMOTE_ADDR": "203.0.113.77"}}
    assert canary.person.ask("GET", f"{path}/checkups", **more).status_code == 200
    export_id = canary.person.ask("POST", f"{path}/export").json["export_id"]
    assert build_export(canary.stores, canary.spool, UUID(export_id))
    buyer = {"user_name": f"{NAME} 님", "birth_date": date(1963, 11, 19), "user_phone": "010-3141-5926"}
    with canary.stores.unit_of_work() as work:
        reset_password(work.session, canary.uuid, _hash_of_password(canary.stores.password_hashes), clock.now())
        work.emit(session_subject(canary.person.session_id), {"type": "x", "patient_uuid": str(canary.uuid)})
        work.session.add(CampaignPayment(oid="ORDER-7", pipeline_step="REPORT_COMPLETED", **buyer))
        work.session.add(CampaignPayment(oid="ORDER-8", patient_uuid=canary.uuid, user_name="곽카나리아"))
        work.session.add_all(rows_of_rare_tables(canary))
        webhook = Webhook(id=uuid4(), url="https://receiver.example/", secret=b"", disabled_at=clock.now())
        work.session.add(webhook)
        work.session.flush()
        told = {"kind": "session.completed", "body": canary.person.session_id, "due_at": clock.now()}
        work.session.add(
            WebhookDelivery(id=uuid4(), webhook_id=webhook.id, session_id=UUID(canary.person.session_id), **told)
        )


def rows_of_rare_tables(canary: Canary) -> list[Table]:
    """A report, an older version of a record, a try of a step, a request on the phone."""
    now, session_id = clock.now(), UUID(canary.person.session_id)
    theirs = {"patient_uuid": canary.uuid, "session_id": session_id}
    said = {"name": NAME, "birth": "1963-11-19"}
    report = {"disease_data": [said], "cancer_data": [], "mediarc_response": said, "report_url": f"https://r/{NAME}"}
    place = {"partner_id": "welno", "hospital_id": DEFAULT_HOSPITAL}
    step = {"session_id": session_id, "step": "finish", "fence": 1, "attempt": 1, "outcome": "done"}
    return [
        MediarcReport(**theirs, **place, **report),
        RecordVersion(**theirs, kind="checkup", record_id=1, answered_at=now, content={"location": PLACE}),
        CollectionStep(**step, started_at=now, ended_at=now),
        Push(phone=uuid4().hex, session_id=session_id, taken_at=now),
    ]


def goes_to_the_hospital(canary: Canary) -> None:
    """Has an appointment, a browser that is told, waits in a line, is called, and has acted under a key."""
    exam_id, journeys = f"EX-{uuid4()}", canary.stores.journeys
    with canary.stores.unit_of_work() as work:
        keep_partitions(work.session, canary.stores.kinds, clock.now().date())
        work.session.add(Exam(exam_id=exam_id, title="채혈", display_title="검사 1", needs_fasting=False))
        person = NewUser(NAME, PHONE, date(1963, 11, 19))
        canary.stores.people.add(work.session, person, canary.user_id)
        tag = {"tag_uid": exam_id, "tag_code": exam_id, "title": "현관", "floor": 1, "x": 0, "y": 0}
        work.session.add(NfcTag(tag_id=exam_id, exam_ids=[], **tag))
        booked = {"appointment_id": uuid4(), "exam_id": exam_id, "scheduled_at": clock.now()}
        work.session.add(Appointment(user_id=canary.user_id, **booked))
        moments = {"claimed_at": clock.now(), "expires_at": clock.now() + timedelta(minutes=30)}
        work.session.add(ScanToken(jti=uuid4(), user_id=canary.user_id, **moments))
        work.session.add(TagLog(tag_id=exam_id, tag_uid_hash="x", user_id=canary.user_id, action="scan"))
        desk = Account(account_id=uuid4(), kind="staff", role="staff", login=exam_id, name="d", password_hash="none")
        work.session.add(desk)
        sid = open_login(work.session, "patient", canary.user_id, Scope.JOURNEY)
        browser = PushBrowser("https://push.example/canary")
        target = make_target(browser.endpoint, browser.public_key, browser.auth)
        canary.stores.web_push.keep(work.session, sid, canary.user_id, target)
    actor = JourneyActor(JourneyRole.PATIENT, canary.user_id, sid)
    steps = {"scan_nfc": {"tag_id": exam_id}, "register": {}, "confirm_arrival": {"exam_id": exam_id}}
    for action, payload in steps.items():
        call = {"user_id": canary.user_id, "action": action, "payload": payload, "actor": actor}
        journeys.run(partial(perform_action, **call, expectation=Expectation(key=f"key-{action}")))
    journeys.run(
        partial(call_next, exam_id=exam_id, actor=JourneyActor(JourneyRole.STAFF, desk.account_id), key="call-1")
    )


def shows_a_doctor(canary: Canary) -> None:
    """A link, its file, a location of it, and who came."""
    place = {"link_id": f"link-{uuid4()}", "position": 0}
    with canary.stores.unit_of_work() as work:
        work.session.add(HealthLink(id=place["link_id"], patient_uuid=canary.uuid, label=NAME, is_long_term=False))
        work.session.flush()
        file = {"content_type": "application/fhir+json", "jwe": NAME, "updated_at": clock.now()}
        work.session.add(HealthLinkFile(**place, **file))
        work.session.flush()
        given = {"token_hash": str(uuid4()), "recipient": NAME, "expires_at": clock.now() + timedelta(hours=1)}
        work.session.add(HealthLinkLocation(**place, **given))
        came = {"kind": FetchKind.MANIFEST, "recipient": NAME, "network": "203.0.113.0/24"}
        work.session.add(HealthLinkFetch(id=uuid4(), link_id=place["link_id"], **came))


def everything_in_tables(engine: Engine) -> dict[str, bytes]:
    """Every row of every table as text; bytes as they are, too."""
    found = {}
    with engine.connect() as connection:
        query = "select schemaname || '.' || tablename from pg_tables where schemaname like any ('{welno%,public}')"
        for table in connection.execute(text(query)).scalars().all():
            whole = "\n".join(connection.execute(text(f"select row_to_json(t)::text from {table} t")).scalars())
            found[table] = whole.encode() + b"".join(map(bytes.fromhex, re.findall(r"\\x([0-9a-f]+)", whole)))
    return found


def everything_in_files(folder: Path) -> dict[str, bytes]:
    return {str(path): str(path).encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def search(canary: Canary, engine: Engine, client: redis.Redis) -> dict[str, list[str]]:
    """What is found of the canary, by the place where it lies."""
    places = everything_in_tables(engine)
    places |= everything_in_files(canary.stores.settings.files.data_dir)
    places["links"] = "\n".join(map(str, (canary.spool.storage.root / ".sessions").iterdir())).encode()
    places["redis"] = redis_contents(client)
    return {place: found for place, hay in places.items() if (found := find_in(canary.needles, hay))}
