"""Disease-prediction reports: what to order, and keeping what came of it."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.patients import Checkup, MediarcReport, Patient, PipelineStep
from services.collection.campaigns import OrderedReport, move_order
from services.patients.identity import Identity
from services.patients.stored_json import to_stored
from upstream.mediarc.answers import ReportAnswer
from upstream.mediarc.mapping import CheckupValues, Subject, build_report_request, choose_checkup, missing_inputs

# Named alike on both sides. Not raw_data: it would bring megabytes for a few numbers.
_VALUES = tuple(Checkup.__table__.columns[field.name] for field in fields(CheckupValues))


@dataclass(frozen=True, repr=False)
class ReportOrder:
    """The request to send, without the API key, and the day of the checkup that it is about, where one was told."""

    payload: dict[str, Any]
    checkup_date: date | None

    def __repr__(self) -> str:
        return "ReportOrder(...)"


@dataclass(frozen=True, repr=False)
class MadeReport:
    """What the provider answered, and the day of the checkup that it was asked about."""

    answer: ReportAnswer
    checkup_date: date | None


@dataclass(frozen=True)
class MissingInputs:
    """Names of what there is no report without. Nothing is sent."""

    missing: list[str]


def report_tid(session_id: UUID) -> str:
    """The same for every retry of a session's report, so that the provider knows it again.

    The whole id: the provider answers an equal tid with the first report, and of eight digits two sessions would share
    one sooner or later, and with it somebody else's report.
    """
    return f"TM_WELNO_{session_id.hex}"


def prepare_report(session: Session, patient: Patient, identity: Identity, tid: str) -> ReportOrder | MissingInputs:
    """Decide from the stored checkups: the newest one that has the values."""
    subject = Subject(name=patient.name, birth_date=patient.birth_date, sex=patient.gender or identity.gender)
    current = (Checkup.patient_uuid == patient.uuid, Checkup.year.is_not(None), Checkup.withdrawn_at.is_(None))
    rows = session.execute(select(*_VALUES).where(*current))
    chosen = choose_checkup([CheckupValues(**row) for row in rows.mappings()])
    missing = missing_inputs(subject, chosen)
    if missing:
        return MissingInputs(missing)
    return ReportOrder(build_report_request(subject, chosen, tid=tid), chosen.checkup_date if chosen else None)


def store_report(
    session: Session, *, patient_uuid: UUID, session_id: UUID, identity: Identity, report: MadeReport, now: datetime
) -> None:
    """Keep the newest report per partner, patient and hospital; mark patient and order. Twice is as once.

    Partner and hospital are the patient's own at this moment, as the events of the session have said.
    """
    patient = session.get_one(Patient, patient_uuid)
    partner_and_place = {
        "partner_id": patient.partner_id,
        "patient_uuid": patient_uuid,
        "hospital_id": patient.hospital_id,
    }
    content = _content(report, session_id, now)
    statement = insert(MediarcReport).values(partner_and_place | content | {"created_at": now})
    session.execute(
        statement.on_conflict_do_update(
            index_elements=list(partner_and_place), set_=content, where=MediarcReport.updated_at <= now
        )
    )
    flags = update(Patient).where(Patient.uuid == patient_uuid, Patient.has_mediarc_report.is_(False))
    session.execute(flags.values(has_mediarc_report=True, updated_at=now))
    ordered = OrderedReport(report.answer.report_url, to_stored(report.answer.raw))
    step = PipelineStep.REPORT_COMPLETED
    move_order(session, identity.oid, step, identity=identity, now=now, patient_uuid=patient_uuid, report=ordered)


def mark_report_failed(session: Session, *, patient_uuid: UUID, identity: Identity, now: datetime) -> bool:
    """Whether an order was marked; the collected data and an earlier report stay as they are."""
    return move_order(
        session, identity.oid, PipelineStep.REPORT_FAILED, identity=identity, now=now, patient_uuid=patient_uuid
    )


def _content(made: MadeReport, session_id: UUID, now: datetime) -> dict[str, Any]:
    report = made.answer
    return {
        "session_id": session_id,
        "mkt_uuid": _as_text(report.mkt_uuid),
        "report_url": _as_text(report.report_url),
        "provider": _as_text(report.provider),
        "analyzed_at": report.analyzed_at,
        "checkup_date": made.checkup_date,
        "bodyage": report.bodyage,
        "rank": report.rank,
        "disease_data": to_stored(report.diseases),
        "cancer_data": to_stored(report.cancers),
        "mediarc_response": to_stored(report.raw),
        "updated_at": now,
    }


def _as_text(text: str) -> str | None:
    """Text columns keep no NUL; the whole answer, escaped, does."""
    return text.replace("\x00", "") or None
