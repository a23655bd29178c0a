"""Step 6: the packages into the database, then to completed/."""

from datetime import datetime

from core.names import Status, Step
from models.collection import CollectionRun
from models.patients import PipelineStep
from services.collection.campaigns import move_order
from services.collection.failures import Failure
from services.collection.files_import import FileImporter
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.delivery.unit_of_work import Work
from spool import FileTaken, Spool


class FilesNotImported(Exception):
    """Some file did not get in, and was set aside in failed/: beat tries it again."""

    reason = "files_not_imported"
    retryable = False


class ImportFiles(StepHandler):
    """Each file in a transaction of its own, natural keys, so a second import changes nothing."""

    step = Step.IMPORT_FILES
    limit_seconds = 180
    start_status = Status.SAVING

    def __init__(self, spool: Spool, importer: FileImporter) -> None:
        self._spool = spool
        self._importer = importer

    def run(self, claim: Claim) -> None:
        """Raises FilesNotImported; FileTaken while another worker is at one of them, or has died at it just now."""
        session_id = str(claim.session_id)
        summary = self._importer.import_session(session_id, asks_consent=False)
        if summary.parked or summary.next_retry_at:
            raise FilesNotImported
        if summary.waiting:
            raise FileTaken
        # The packages hold the same bytes; had we died before this, the next try drops them.
        self._spool.drop_incoming(session_id)

    def on_success(self, work: Work, run: CollectionRun, result: None, *, claim: Claim, now: datetime) -> None:
        run.saved_at = now
        move_order(
            work.session,
            run.oid,
            PipelineStep.DATA_COLLECTED,
            identity=claim.identity,
            now=now,
            patient_uuid=run.patient_uuid,
        )

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return fail_saving(work, run, failure, now)
