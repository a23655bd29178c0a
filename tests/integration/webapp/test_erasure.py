"""Erasure: a canary person is searched for wherever the product keeps anything, and found nowhere."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session

from core.clock import clock
from core.names import FAILED_BY_REFUSAL, Status
from core.sealing import SealError
from dev.local.postgres import EmbeddedPostgres
from models.collection import CollectionRun
from models.patients import (
    AccessEntry,
    CampaignPayment,
    Checkup,
    Consent,
    Erasure,
    Patient,
    PatientKey,
    TermsAgreement,
)
from services.collection.files_import import FileImporter
from services.collection.sweep import ended_sessions
from services.patients.access_chain import chain_key, check_day, known_days
from services.patients.erasing import ErasureJob, OutsideEraser, RowEraser, resend_erasures
from services.patients.identification import PatientNotWritten, identify_patient, reserve_patient
from services.patients.tombstones import is_buried_for_import
from services.personal_data import ROW_ERASERS, list_erasers
from services.threads.erasers import THREADS_ERASER
from spool import DataType
from tests.end_to_end.haystack import find_in, redis_contents
from tests.integration.services.conftest import checkup
from tests.waiting import wait_until

from .canary import PASSWORD, Canary, bring_canary, everything_in_files, everything_in_tables, search
from .people import API, Person, arrive, change_run, collect

STEPS = (
    "sessions",
    "journey_people",
    "threads_found",
    "cancel",
    "files",
    "archives",
    "orders",
    "consents",
    "records",
    "journey",
    "threads",
    "health_links",
    "history",
    "redis",
    "journey_streams",
    "thread_streams",
    "thread_blobs",
    "patient",
    "late_files",
    "late_archives",
    "late_redis",
)


@pytest.fixture
def canary(app: Flask, redis_client: redis.Redis) -> Canary:
    return bring_canary(app)


def test_the_search_finds_the_canary_in_every_place(canary: Canary, engine: Engine, redis_client: redis.Redis):
    """Else finding nothing would mean nothing."""
    found = search(canary, engine, redis_client)
    tables = ("patients", "checkup_data", "prescription_data", "collection_history", "events", "patient_keys")
    assert {f"welno.welno_{table}" for table in tables} <= set(found)
    assert {"redis", "links", "welno.tb_campaign_payments"} <= set(found)
    journey = ("users", "patient_states", "visits", "queues", "state_transitions", "tag_logs")
    assert {f"welno.{table}" for table in (*journey, "logins", "idempotency_keys", "emr_sync_status")} <= set(found)
    assert sum("web_spool" in place for place in found) >= 7


def test_the_canary_stands_in_every_table_that_is_erased(canary: Canary, engine: Engine, redis_client: redis.Redis):
    """Else a table that a domain adds would be searched while it is empty."""
    erased = {f"welno.{table}" for eraser in ROW_ERASERS for table in eraser.tables}
    elsewhere = {
        "welno.welno_subjects",  # a session's events are counted in its run's row
        "welno.queue_status_logs",  # name an entry in a line, and go with it
        "welno.welno_patient_joins",  # go when the erasure begins: test_joins.py
        *(f"welno.{table}" for table in THREADS_ERASER.tables),  # threads/test_erasure.py
    }
    assert erased - set(search(canary, engine, redis_client)) == elsewhere


def test_what_is_left_sealed_opens_with_no_key_that_is_left(canary: Canary, engine: Engine):
    erasure_id = canary.is_erased()
    with Session(engine) as session:
        assert session.get_one(Erasure, erasure_id).person is None
        assert session.query(PatientKey).filter_by(patient_uuid=canary.uuid).count() == 0
        subject = canary.stores.access_log.subject_of(canary.uuid)
        entries = session.query(AccessEntry).filter_by(subject=subject).all()
    assert len(entries) >= 2
    for entry in entries:
        with pytest.raises(SealError):
            canary.stores.sealer.open(bytes(entry.sealed), f"access/{subject}")


def test_after_erasure_the_canary_is_nowhere(canary: Canary, engine: Engine, redis_client: redis.Redis):
    canary.is_erased()
    assert search(canary, engine, redis_client) == {}
    assert [path for path in everything_in_files(canary.spool.storage.root) if ".calls" not in path] == []


def test_a_collection_that_ended_before_anybody_approved_is_erased_too(
    app: Flask, canary: Canary, engine: Engine, redis_client: redis.Redis
):
    """Nothing tells whose it was but what was entered, of which the consents keep a pseudonym."""
    given_up = arrive(app, **canary.person.form)
    assert given_up.session("DELETE").status_code == 204
    canary.is_erased()
    assert search(canary, engine, redis_client) == {}
    places = everything_in_tables(engine) | {"redis": redis_contents(redis_client)}
    assert [place for place, hay in places.items() if given_up.session_id.encode() in hay] == []


def test_somebody_elses_collection_stays_whatever_was_entered_there(app: Flask, canary: Canary):
    """Who showed to be another than they had said."""
    other = arrive(app, **canary.person.form)
    elsewhere = arrive(app, user_name="곽다른이", phone_no="01031415927", birthdate="19631119")
    collect(app, elsewhere, [checkup()], [])
    with canary.stores.unit_of_work() as work:
        theirs = Consent.session_id == UUID(other.session_id)
        work.session.execute(update(Consent).where(theirs).values(patient_uuid=elsewhere.patient_uuid))
    assert other.session("DELETE").status_code == 204
    canary.is_erased()
    with canary.stores.sessions() as session:
        assert session.query(Consent).filter_by(session_id=UUID(other.session_id)).count() == 5


def test_requests_of_the_person_that_failed_are_forgotten(
    app: Flask, canary: Canary, engine: Engine, redis_client: redis.Redis
):
    refused = app.test_client().get(f"{API}/tilko/session/{canary.person.session_id}/status")
    assert refused.status_code == 404
    wait_until(lambda: redis_client.xlen(FAILED_BY_REFUSAL))
    others = {"request_id": "other", "session_id": str(uuid4())}
    redis_client.xadd(FAILED_BY_REFUSAL, others)
    canary.is_erased()
    assert search(canary, engine, redis_client) == {}
    assert redis_client.xlen(FAILED_BY_REFUSAL) == 1


def test_a_dump_of_the_database_holds_nothing_of_the_canary(
    canary: Canary, empty_postgres: EmbeddedPostgres, engine: Engine
):
    """Shaped as pg_dump's: COPY of every table."""
    assert len(search_dump(canary, engine)) > 10  # else finding nothing would mean nothing
    canary.is_erased()
    assert search_dump(canary, engine) == {}


def search_dump(canary: Canary, engine: Engine) -> dict[str, list[str]]:
    """What is found of the canary by table; bytes as they are, too, which COPY writes as hexadecimal digits."""
    found = {}
    connection = engine.raw_connection()
    try:
        with connection.cursor() as cursor:
            cursor.execute("select schemaname || '.' || tablename from pg_tables where schemaname like 'welno%'")
            for (table,) in cursor.fetchall():
                sink = _Sink()
                cursor.copy_expert(f"copy (select * from {table}) to stdout", sink)
                written = bytes(sink.taken)
                binary = b"".join(
                    bytes.fromhex(one.decode()) for one in re.findall(rb"\\\\x((?:[0-9a-f]{2})+)", written)
                )
                found[table] = find_in(canary.needles, written + binary)
    finally:
        connection.close()
    return {table: names for table, names in found.items() if names}


class _Sink:
    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: bytes) -> None:
        self.taken += data


def test_the_log_of_the_app_holds_only_the_number_of_the_canary_s_session(logged: io.StringIO, canary: Canary):
    """From before anybody had heard of it; the receipt tells of the number."""
    receipt = canary.person.client.get(f"{API}/erasures/{canary.is_erased()}")
    written = logged.getvalue()
    assert "erasure_step_done" in written
    assert set(find_in(canary.needles, written.encode())) == {"session"}
    assert "logs" in {place["place"] for place in receipt.json["kept"]}


class Killed(BaseException):
    """As little caught as a SIGKILL is."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on(canary: Canary, engine: Engine, redis_client: redis.Redis, step: str, when: str):
    erasure_id = canary.is_asked_for()
    with pytest.raises(Killed):
        _dying_job(canary, step, when).run(erasure_id)
    canary.job().run(erasure_id)
    assert search(canary, engine, redis_client) == {}
    receipt = canary.person.client.get(f"{API}/erasures/{erasure_id}").json
    counts = {place["place"]: place["count"] for place in receipt["erased"]}
    assert receipt["state"] == "completed"
    assert (counts["checkups"], counts["prescriptions"], counts["patients"]) == (1, 1, 1)
    assert (counts["orders"], counts["files"] >= 7, counts["redis"] >= 3) == (2, True, True)
    assert counts["webhook_deliveries"] == 1
    assert counts["journey_web_push"] == 1  # counted before the logins, with which it would go


def _dying_job(canary: Canary, step: str, when: str) -> ErasureJob:
    """Killed within the step, before its work or after it, and before its commit."""

    def deadly(eraser):
        if eraser.name != step:
            return eraser
        name = "erase" if isinstance(eraser, RowEraser | OutsideEraser) else "find"
        work = getattr(eraser, name)

        def die(*arguments):
            if when == "after":
                work(*arguments)
            raise Killed

        return type(eraser)(**{**vars(eraser), name: die})

    stores = canary.stores
    erasers = [deadly(eraser) for eraser in list_erasers(stores, canary.spool)]
    assert [eraser.name for eraser in erasers] == list(STEPS)
    return ErasureJob(stores.unit_of_work, erasers, stores.sealer, stores.clock)


def test_a_job_that_stands_still_is_sent_again(canary: Canary):
    erasure_id = canary.is_asked_for()
    with canary.stores.unit_of_work() as work:
        assert resend_erasures(work, clock.now()) == 0
    with canary.stores.unit_of_work() as work:
        assert resend_erasures(work, clock.now() + timedelta(seconds=61)) == 1
        assert [(call.name, call.about) for call in work.calls] == [("welno.patients.erase", str(erasure_id))]
    canary.job().run(erasure_id)
    with canary.stores.unit_of_work() as work:
        assert resend_erasures(work, clock.now() + timedelta(days=1)) == 0


def test_an_import_under_way_and_an_erasure_do_not_wait_for_each_other(canary: Canary, engine: Engine):
    agreed = {"patient_uuid": canary.uuid, "session_id": uuid4(), "terms_agreed_at": clock.now()}
    waiting = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")

    def waits() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(waiting).scalar_one())

    with ThreadPoolExecutor(1) as pool, Session(engine) as importing:
        assert not is_buried_for_import(importing, canary.uuid)
        erasure = pool.submit(canary.is_asked_for)
        wait_until(waits)
        importing.execute(insert(TermsAgreement).values(agreed))
        importing.commit()
        canary.job().run(erasure.result(30))
    with canary.stores.sessions() as session:
        assert session.query(TermsAgreement).filter_by(patient_uuid=canary.uuid).count() == 0


def test_the_person_is_out_with_the_answer(canary: Canary):
    path = f"/patients/{canary.uuid}"
    token = canary.person.ask("POST", f"{path}/password/verify", json={"password": PASSWORD}).json["access_token"]
    canary.is_asked_for()
    assert canary.person.ask("GET", f"{path}/checkups").status_code == 404
    by_password = {"Authorization": f"Bearer {token}"}
    assert canary.person.client.get(f"{API}{path}/checkups", headers=by_password).status_code == 404
    assert canary.person.session("GET", "/status").status_code == 404


def test_runs_under_way_of_the_same_person_are_cancelled_first(app: Flask, canary: Canary):
    """Also one that does not know yet whose it is."""
    waiting = arrive(app, **canary.person.form)
    other = arrive(app, user_name="곽다른이", phone_no="01031415927", birthdate="19631119")
    canary.is_erased()
    with canary.stores.sessions() as session:
        assert session.get(CollectionRun, UUID(waiting.session_id)) is None
        assert session.get_one(CollectionRun, UUID(other.session_id)).status == Status.INITIATED


def test_others_keep_everything(canary: Canary, colleague: Person):
    before = colleague.ask("GET", f"/patients/{colleague.patient_uuid}/checkups").json
    canary.is_erased()
    assert colleague.ask("GET", f"/patients/{colleague.patient_uuid}/checkups").json == before
    assert colleague.session("GET", "/status").json["status"] == "completed"


@pytest.mark.parametrize("kind", list(DataType))
def test_a_late_file_brings_nobody_back(canary: Canary, kind: DataType):
    canary.is_erased()
    name = canary.spool.put_pending(canary.package(UUID(canary.person.session_id), kind))
    assert FileImporter(canary.spool, canary.stores.sessions, clock).import_file(name) is None
    assert canary.spool.counts() == {"incoming": 0, "pending": 0, "completed": 0, "failed": 0, "parked": 0}
    with canary.stores.sessions() as session:
        assert session.get(Patient, canary.uuid) is None


def test_a_late_answer_is_dropped_by_the_sweep_over_the_files(canary: Canary):
    canary.is_erased()
    with canary.stores.sessions() as session:
        assert ended_sessions(session, [canary.person.session_id, str(uuid4())]) == {
            canary.person.session_id: Status.CANCELLED
        }


def test_the_same_person_may_collect_anew_as_a_new_patient(canary: Canary):
    key = canary.stores.settings.secrets.pseudonym_key
    canary.is_erased()
    with canary.stores.unit_of_work() as work:
        first, second = (reserve_patient(work.session, canary.identity, key) for _ in range(2))
        patient = identify_patient(work.session, canary.identity, first.patient_uuid, clock.now())
    assert first == second
    assert patient.uuid == first.patient_uuid != canary.uuid


def test_while_the_older_records_are_erased_the_same_person_waits(canary: Canary):
    key = canary.stores.settings.secrets.pseudonym_key
    canary.is_asked_for()
    with canary.stores.unit_of_work() as work:
        reserved = reserve_patient(work.session, canary.identity, key)
        assert (reserved.known, reserved.patient_uuid == canary.uuid) == (False, False)
        with pytest.raises(PatientNotWritten):
            identify_patient(work.session, canary.identity, reserved.patient_uuid, clock.now())


def test_the_order_stays_without_its_buyer(canary: Canary, engine: Engine):
    canary.is_erased()
    with Session(engine) as session:
        order = session.get_one(CampaignPayment, "ORDER-7")
        assert order.pipeline_step == "REPORT_COMPLETED"
        assert (order.user_name, order.birth_date, order.user_phone, order.patient_uuid) == (None,) * 4


def test_the_chain_of_the_log_holds_over_an_erasure(canary: Canary, engine: Engine):
    erasure_id = canary.is_erased()
    key = chain_key(canary.stores.settings.secrets.pseudonym_key)
    with canary.stores.sessions() as session:
        checked = [check_day(session, key, day, date.min) for day in known_days(session)]
        pseudonym = session.get_one(Erasure, erasure_id).pseudonym
        shown, _ = canary.stores.access_log.list_looks(session, subject=pseudonym, limit=10)
    assert [one.broken for one in checked] == [None]
    assert [one.what for one in shown] == ["erasure", "checkups"]


def test_the_receipt_says_what_was_erased_and_what_stays_and_why(canary: Canary):
    erasure_id = canary.is_erased()
    receipt = canary.person.client.get(f"{API}/erasures/{erasure_id}")
    assert {place["place"] for place in receipt.json["kept"]} == {
        "access_log",
        "orders",
        "consents",
        "threads",
        "scans",
        "tombstones",
        "revocations",
        "logs",
        "backups",
    }
    assert all(place["what"] for place in receipt.json["erased"])
    assert find_in(canary.needles, receipt.data) == []


def test_the_receipt_has_words_for_all_that_is_counted(canary: Canary):
    erasure_id = canary.is_erased()
    with canary.stores.sessions() as session:
        counted = dict(session.get_one(Erasure, erasure_id).receipt)
    told = canary.person.client.get(f"{API}/erasures/{erasure_id}").json["erased"]
    assert {place["place"]: place["count"] for place in told} == counted
    assert {"journey_users", "health_links", "threads"} <= set(counted)
    assert counted["webhook_deliveries"] == 1


def test_asked_twice_there_is_one_erasure(canary: Canary):
    erasure_id = canary.is_asked_for()
    again = canary.ask(password=PASSWORD)
    assert UUID(again.json["erasure_id"]) == erasure_id


# Who may


def test_an_approval_of_more_than_five_minutes_ago_is_not_enough(app: Flask, canary: Canary):
    change_run(app, canary.person.session_id, auth_completed_at=clock.now() - timedelta(minutes=5, seconds=1))
    assert canary.ask().json["error"]["code"] == "FRESH_PROOF_REQUIRED"
    assert canary.ask(password="000000").json["error"]["code"] == "PASSWORD_WRONG"
    assert canary.ask(password=PASSWORD).status_code == 202


def test_a_token_by_password_is_enough_for_five_minutes(app: Flask, canary: Canary):
    path = f"{API}/patients/{canary.uuid}"
    client = app.test_client(use_cookies=False)
    token = client.post(f"{path}/password/verify", json={"password": PASSWORD}).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with clock.frozen(clock.now() + timedelta(minutes=6)):
        assert client.delete(path, headers=headers).status_code == 403
    assert client.delete(path, headers=headers).status_code == 202


def test_nobody_else_erases_them(canary: Canary, colleague: Person, visitor: Person):
    for person in (colleague, visitor):
        assert person.ask("DELETE", f"/patients/{canary.uuid}").status_code == 404
    foreign = {"Origin": "https://evil.example"}
    answer = visitor.ask("DELETE", f"/patients/{canary.uuid}", json={"password": PASSWORD}, headers=foreign)
    assert answer.status_code == 403
    with canary.stores.sessions() as session:
        assert session.query(Checkup).filter_by(patient_uuid=canary.uuid).count() == 1


def test_a_made_up_receipt_is_not_there(visitor: Person):
    assert visitor.client.get(f"{API}/erasures/{uuid4()}").status_code == 404
