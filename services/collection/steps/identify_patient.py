"""Step 4: write who this is, and what they agreed to."""

from datetime import datetime

from core.names import Event, Status, Step
from models.collection import CollectionRun
from services.collection.campaigns import find_own_order
from services.collection.events import say
from services.collection.failures import Failure
from services.collection.step import AfterFailure, Claim, StepHandler
from services.delivery.unit_of_work import Work
from services.patients.consents import attach_consents
from services.patients.identification import identify_patient, reserve_patient
from services.patients.session_rows import note_identified


class IdentifyPatient(StepHandler):
    """Writes nothing but rows, so it is done or undone with its transaction."""

    step = Step.IDENTIFY_PATIENT
    only_rows = True
    start_status = Status.IDENTIFYING

    def __init__(self, pseudonym_key: str) -> None:
        self._pseudonym_key = pseudonym_key

    def on_success(self, work: Work, run: CollectionRun, result: None, *, claim: Claim, now: datetime) -> None:
        reserved = run.patient_uuid
        if reserved is None:
            reserved = reserve_patient(work.session, claim.identity, self._pseudonym_key).patient_uuid
        patient = identify_patient(work.session, claim.identity, reserved, now)
        run.patient_uuid, run.hospital_id = patient.uuid, patient.hospital_id
        note_identified(work.session, run.session_id, patient.uuid, run.auth_completed_at or now)
        order = find_own_order(work.session, claim.identity)
        attach_consents(work.session, patient_uuid=patient.uuid, session_id=run.session_id, oid=order, now=now)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return fail_saving(work, run, failure, now)


def fail_saving(work: Work, run: CollectionRun, failure: Failure, now: datetime) -> AfterFailure:
    """What was collected is safe on disk; only its way into the database stopped."""
    run.status = Status.ERROR
    data = {"code": failure.code, "retry_available": True}
    say(work, run.session_id, Event.COLLECTION_ERROR, failure.message, now=now, status=run.status, data=data)
    return AfterFailure.STOP
