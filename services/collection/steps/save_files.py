"""Step 5: the packages, whole and fsynced in pending/, before anything enters the database."""

from datetime import datetime

from core.names import Status, Step
from models.collection import CollectionRun
from services.collection.failures import Failure
from services.collection.files import CollectedData, packages_of
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.delivery.unit_of_work import Work
from spool import AnswerKind, Spool


class SaveFiles(StepHandler):
    """Idempotent: the store keeps one package per session and kind."""

    step = Step.SAVE_FILES
    limit_seconds = 120
    start_status = Status.SAVING

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def run(self, claim: Claim) -> None:
        session_id = str(claim.session_id)
        if claim.patient_uuid is None:
            raise AssertionError("identified in the step before")
        kept = {
            kind: self._spool.read_incoming(session_id, kind) if self._spool.find_incoming(session_id, kind) else None
            for kind in (AnswerKind.HEALTH, AnswerKind.PRESCRIPTION)
        }
        data = CollectedData(
            session_id=claim.session_id,
            patient_uuid=claim.patient_uuid,
            hospital_id=claim.hospital_id,
            identity=claim.identity,
            health=kept[AnswerKind.HEALTH],
            prescription=kept[AnswerKind.PRESCRIPTION],
        )
        for package in packages_of(data, claim.started_at):
            self._spool.put_pending(package)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return fail_saving(work, run, failure, now)
