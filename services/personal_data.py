"""A person's data over all domains: in which order it is erased, what is kept and why, how an erasure begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import InvalidRequestError

from models.patients import AccessedWhat, Erasure, ErasureState, Patient
from services.accounts.revocations import Principal, PrincipalKind, revoke_earlier
from services.collection.erasers import (
    HISTORY_ERASER,
    ORDERS_ERASER,
    RUNS_CANCELLER,
    SessionEraser,
    cancel_runs,
    find_sessions,
)
from services.delivery.unit_of_work import Work
from services.journey.erasers import JOURNEY_ERASER, JourneyEraser
from services.patient_sessions import find_all
from services.patients.access_log import Actor, Look
from services.patients.erasers import CONSENTS_ERASER, PATIENT_ERASER, RECORDS_ERASER
from services.patients.erasing import (
    RESEND_AFTER,
    Counts,
    ErasedPerson,
    Eraser,
    ErasureJob,
    OutsideEraser,
    RowEraser,
    begin_erasure,
    find_running,
    seal_person,
)
from services.patients.joins import drop_joins, find_older
from services.patients.tombstones import bury
from services.shl.erasers import HEALTH_LINKS_ERASER
from services.stores import Stores
from services.threads.erasers import THREADS_ERASER, ThreadEraser
from services.webhooks.erasers import WEBHOOKS_ERASER
from spool import Spool

# Why a table has no eraser; a guard test wants one or the other of each.
KEPT_TABLES: Mapping[str, str] = {
    "accounts": "people who work with the product, none of them a patient",
    "account_changes": "who gave people which access, for as long as the law wants it kept",
    "companies": "whose people the members are",
    "conversations": "ids of chats of such accounts with personas; what is said in them is not kept here",
    "displays": "screens",
    "exams": "what people wait for",
    "insights": "themes and personas of those interviews",
    "interview_counts": "counts",
    "highlights": "what members marked in those interviews",
    "interview_runs": "how far an analysis is",
    "interview_unsettled_calls": "ids of calls whose cost MISO has not told yet, for a day at most",
    "interviews": "of companies' own projects, masked, and erased there: no patient of ours is linked to one",
    "key_takeaways": "of those interviews",
    "nfc_tags": "tags on walls",
    "knowledge_entries": "which of those interviews stand in MISO's knowledge base",
    "miso_costs": "figures of those interviews",
    "original_reads": "which member read the original of one of those interviews",
    "persona_combinations": "personas of companies, no people",
    "project_members": "which accounts work on which project",
    "projects": "of companies",
    "welno_rewritten_subjects": "hashes of what was erased or redacted, for two days: Redis must not bring it back",
    "queue_counters": "how far each line has come",
    "retired_tag_codes": "hashes of codes of tags",
    "rooms": "places",
    "script_sections": "headings of those interviews",
    "shifts": "of staff",
    "utterances": "of those interviews",
    "welno_access_log": "append-only; people stand there by pseudonyms, the rest under the key that was destroyed",
    "welno_access_days": "ends of the log's chains",
    "welno_epoch": "one row of the event log",
    "welno_erasures": "the receipt, under a pseudonym",
    "welno_tombstones": "hashes of the ids that must not come back",
    "welno_hospitals": "places",
    "welno_paid_again": "counts",
    "welno_processes": "processes of ours",
    "welno_revoked_tokens": "hashes of tokens' ids, forgotten when the tokens have ended",
    "welno_tokens_valid_after": "hashes, forgotten after two days",
    "welno_thread_audit": "append-only, chained by hashes; people stand there by ids and networks alone",
    "welno_thread_service_devices": "keys of the back end's own device in threads",
    "welno_webhooks": "addresses of other systems",
    "welno_write_probe": "one row of readiness",
}


def _erase_history(work: Work, person: ErasedPerson, now: datetime) -> Counts:
    return {**WEBHOOKS_ERASER.erase(work, person, now), **HISTORY_ERASER.erase(work, person, now)}


# One step: a job stands in its row by the name of its step, and a worker of the release before must know it.
RUNS_ERASER = replace(HISTORY_ERASER, tables=WEBHOOKS_ERASER.tables | HISTORY_ERASER.tables, erase=_erase_history)
ROW_ERASERS: tuple[RowEraser, ...] = (
    ORDERS_ERASER,
    CONSENTS_ERASER,
    RECORDS_ERASER,
    JOURNEY_ERASER,
    THREADS_ERASER,
    HEALTH_LINKS_ERASER,
    RUNS_ERASER,
    PATIENT_ERASER,
)
# What a receipt names as kept.
KEPT_PLACES = (
    "access_log",
    "consents",
    "orders",
    "threads",
    "scans",
    "tombstones",
    "revocations",
    "logs",
    "backups",
)
_FIRST = "sessions"


@dataclass(frozen=True)
class ErasureOrder:
    """Who wants whom erased, and why, when it is not the person."""

    patient_uuid: UUID
    actor: Actor
    request_id: str
    reason: str | None = None


class UnknownPatient(Exception):
    """There is nobody to erase."""

    retryable = False


def start_erasure(work: Work, stores: Stores, order: ErasureOrder, now: datetime) -> UUID:
    """Close the person's records at once, and have everything erased by the job whose id is returned; asked again
    meanwhile, the same id. Raises UnknownPatient."""
    patient = work.session.get(Patient, order.patient_uuid)
    if patient is None:
        raise UnknownPatient(str(order.patient_uuid))
    # In the order of everybody else's locks: a step has its run before the patient, an import the tombstone's.
    session_ids = find_sessions(work.session, patient.uuid)
    cancel_runs(work, session_ids, now)
    bury(work.session, [patient.uuid, *session_ids], now)
    try:
        work.session.refresh(patient, with_for_update={"key_share": True})
    except InvalidRequestError as exc:  # erased to the end meanwhile
        raise UnknownPatient(str(order.patient_uuid)) from exc
    pseudonym = stores.access_log.subject_of(patient.uuid)
    running = find_running(work.session, pseudonym)
    if running is not None:
        return running.id
    erasure = _make_erasure(stores, patient, pseudonym, order, now)
    patient.erasing_since = now
    ended_joins = drop_joins(work.session, patient.uuid)
    find_all(work.session, patient.uuid).tell(work)
    revoke_earlier(work.session, Principal(PrincipalKind.PATIENT, str(patient.uuid)))
    begin_erasure(work, erasure)
    looks = [Look(order.actor, AccessedWhat.UNDO_JOIN, one) for one in ended_joins]
    looks.append(Look(order.actor, AccessedWhat.ERASURE, patient.uuid, reason=order.reason))
    work.session.flush()
    stores.access_log.record_all(work.session, looks, now)
    return erasure.id


def start_erasures(work: Work, stores: Stores, order: ErasureOrder, now: datetime) -> list[UUID]:
    """Of the person, and of the older patient whose records they are shown; theirs comes first. Raises
    UnknownPatient."""
    older = find_older(work.session, order.patient_uuid)
    people = [order.patient_uuid, *([older] if older is not None else [])]
    return [start_erasure(work, stores, replace(order, patient_uuid=one), now) for one in people]


def _make_erasure(stores: Stores, patient: Patient, pseudonym: str, order: ErasureOrder, now: datetime) -> Erasure:
    erasure_id = uuid4()
    person = ErasedPerson(patient.uuid, patient.name, patient.phone, patient.birth_date)
    return Erasure(
        id=erasure_id,
        pseudonym=pseudonym,
        state=ErasureState.RUNNING,
        step=_FIRST,
        person=seal_person(stores.sealer, erasure_id, person),
        receipt={},
        request_id=order.request_id,
        requested_at=now,
        updated_at=now,
        resend_at=now + RESEND_AFTER,
    )


def list_erasers(stores: Stores, spool: Spool) -> list[Eraser]:
    """In their order. Files and Redis twice: a process that was at work when its run was cancelled may have put
    something down since."""
    sessions = SessionEraser(
        stores.sessions,
        sealer=stores.sealer,
        spool=spool,
        redis=stores.redis,
        streams=stores.streams,
        pseudonym_key=stores.settings.secrets.pseudonym_key,
    )
    journey = JourneyEraser(stores.sessions, stores.people, stores.streams)
    threads = ThreadEraser(stores.sessions, stores.streams, spool.blobs)
    return [
        sessions.finder(),
        journey.finder(),
        threads.finder(),
        RUNS_CANCELLER,
        sessions.files("files"),
        _archives_eraser(spool, "archives"),
        ORDERS_ERASER,
        CONSENTS_ERASER,
        RECORDS_ERASER,
        JOURNEY_ERASER,
        THREADS_ERASER,
        HEALTH_LINKS_ERASER,
        RUNS_ERASER,
        sessions.redis("redis"),
        journey.redis("journey_streams"),
        threads.redis("thread_streams"),
        threads.blobs("thread_blobs"),
        PATIENT_ERASER,
        sessions.files("late_files"),
        _archives_eraser(spool, "late_archives"),
        sessions.redis("late_redis"),
    ]


def _archives_eraser(spool: Spool, name: str) -> OutsideEraser:
    def find(person: ErasedPerson) -> int:
        return spool.archives.count(person.patient_uuid)

    def erase(person: ErasedPerson) -> None:
        spool.archives.drop_all(person.patient_uuid)

    return OutsideEraser(name, find, erase)


def build_erasure_job(stores: Stores, spool: Spool) -> ErasureJob:
    return ErasureJob(stores.unit_of_work, list_erasers(stores, spool), stores.sealer, stores.clock)
