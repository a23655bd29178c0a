"""Step 6: the packages into the database, then to completed/."""

from datetime import datetime

from core.logs import get_logger
from core.names import Status, Step
from models.collection import CollectionRun
from models.patients import PipelineStep
from services.collection.campaigns import move_order
from services.collection.failures import Failure
from services.collection.files_import import FileImporter
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.collection.steps.unsaved import UNREADABLE, stop_unsaved, tell_unsaved
from services.delivery.unit_of_work import Work
from spool import AnswerKind, FileTaken, Spool
from upstream.tilko.errors import AnswerUnreadable

log = get_logger(__name__)


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

    def run(self, claim: Claim) -> frozenset[AnswerKind]:
        """Those that were had, and whose files a store has lost. Raises FilesNotImported; FileTaken while another
        worker is at one of them, or has died at it just now; AnswerUnreadable when nothing is left."""
        session_id = str(claim.session_id)
        summary = self._importer.import_session(session_id, asks_consent=False)
        if summary.parked or summary.next_retry_at:
            raise FilesNotImported
        if summary.waiting:
            raise FileTaken
        lost = self._find_lost(claim)
        # The packages hold the same bytes; had we died before this, the next try drops them.
        self._spool.drop_incoming(session_id, *(kind for kind in AnswerKind if kind not in lost))
        return lost

    def _find_lost(self, claim: Claim) -> frozenset[AnswerKind]:
        """What no file holds may have been imported by a process before this one: PostgreSQL knows. Raises
        AnswerUnreadable when it has nothing of all that was had."""
        counts = {AnswerKind.HEALTH: claim.health_count, AnswerKind.PRESCRIPTION: claim.prescription_count}
        had = frozenset(kind for kind, count in counts.items() if count is not None)
        if claim.patient_uuid is None:
            raise AssertionError("identified two steps before")
        lost = had - self._importer.find_imported(claim.patient_uuid, claim.session_id)
        if lost:
            log.error("collected_files_lost", session_id=str(claim.session_id), kinds=sorted(lost))
        if had and lost == had:
            raise AnswerUnreadable(reason="none_imported")
        return lost

    def on_success(
        self, work: Work, run: CollectionRun, result: frozenset[AnswerKind], *, claim: Claim, now: datetime
    ) -> None:
        tell_unsaved(work, run, result, now)
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
        if failure.code != UNREADABLE.code:
            return fail_saving(work, run, failure, now)
        return stop_unsaved(work, run, now)
