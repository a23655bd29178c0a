"""Step 5: the packages, whole and fsynced in pending/, before anything enters the database."""

from datetime import datetime

from core.names import Status, Step
from models.collection import CollectionRun
from services.collection.failures import Failure
from services.collection.files import CollectedAnswer, CollectedData, packages_of
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.collection.windows import checkup_window, treatment_window
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
        if claim.patient_uuid is None:
            raise AssertionError("identified in the step before")
        data = CollectedData(
            session_id=claim.session_id,
            patient_uuid=claim.patient_uuid,
            hospital_id=claim.hospital_id,
            identity=claim.identity,
            health=self._read_answer(claim, AnswerKind.HEALTH),
            prescription=self._read_answer(claim, AnswerKind.PRESCRIPTION),
        )
        for package in packages_of(data, claim.started_at):
            self._spool.put_pending(package)

    def _read_answer(self, claim: Claim, kind: AnswerKind) -> CollectedAnswer | None:
        session_id = str(claim.session_id)
        if self._spool.find_incoming(session_id, kind) is None:
            return None
        answered_at = self._spool.incoming_written_at(session_id, kind)
        is_health = kind is AnswerKind.HEALTH
        window = checkup_window(answered_at) if is_health else treatment_window(claim.session_started_at)
        return CollectedAnswer(self._spool.read_incoming(session_id, kind), answered_at, window)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return fail_saving(work, run, failure, now)
