"""A collection whose consents have ended: no provider is asked any more, and it says why. A withdrawal stops it; after
an expiry what was collected before is still saved."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, select

from core.names import Event, Status
from models.collection import CollectionRun, RunState
from models.patients import ConsentKind, Patient
from models.patients.consents import COLLECTING_KINDS
from services.collection.events import say, say_ended
from services.collection.run_store import locked_run
from services.collection.transitions import end_run
from services.delivery.unit_of_work import Work
from services.patients.consents import Consents


class ConsentCode(StrEnum):
    """What the last event of such a session, or the one of a report that is not made, says."""

    WITHDRAWN = "CONSENT_WITHDRAWN"
    EXPIRED = "CONSENT_EXPIRED"


_MESSAGES = {
    ConsentCode.WITHDRAWN: "동의를 철회하셔서 기록 모으기를 멈췄어요.",
    ConsentCode.EXPIRED: "동의한 기간이 지나 기록 모으기를 멈췄어요. 다시 동의하고 시작해 주세요.",
}


def end_for_consent(work: Work, run: CollectionRun, code: ConsentCode, now: datetime) -> None:
    """End a run that the caller holds; a process at work on it finds its fence outdated."""
    say_ended(work, run.session_id, Status.CANCELLED, _MESSAGES[code], now=now, code=code)
    run.error_code = code
    end_run(run, Status.CANCELLED, now)


def skip_prescriptions(work: Work, run: CollectionRun, now: datetime) -> None:
    """The consents are over and the checkups are here: nobody is asked for the rest, and what there is gets saved."""
    run.prescriptions_failed = True
    message = "동의한 기간이 지나 진료·투약 기록은 가져오지 않았어요. 모은 건강검진 기록은 저장할게요."
    data = {"code": ConsentCode.EXPIRED}
    say(work, run.session_id, Event.PRESCRIPTION_DATA_FAILED, message, now=now, status=run.status, data=data)


def withdraw_consent(work: Work, consents: Consents, patient_uuid: UUID, kind: ConsentKind, *, now: datetime) -> int:
    """End the person's consents of this kind, and the runs that cannot go on without. Gives how many consents ended; a
    second call ends none. Consent to the report ends reports alone: their step looks for itself.

    Locks the consents, then each run, as the steps do.
    """
    patient = work.session.get_one(Patient, patient_uuid)
    sessions = consents.withdraw(work.session, patient, kind)
    if kind in COLLECTING_KINDS:
        for session_id in work.session.scalars(_under_way(sessions)).all():
            with locked_run(work, session_id) as run:
                if run.run_state != RunState.ENDED:
                    end_for_consent(work, run, ConsentCode.WITHDRAWN, now)
    return len(sessions)


def _under_way(session_ids: Sequence[UUID]) -> Select[UUID]:
    """In the order in which they are locked, so that two withdrawals do not wait for each other."""
    query = select(CollectionRun.session_id).where(CollectionRun.session_id.in_(session_ids))
    return query.where(CollectionRun.run_state != RunState.ENDED).order_by(CollectionRun.session_id)
