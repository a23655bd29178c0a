"""Step 6: the packages into the database, then to completed/."""

from datetime import datetime

from core.names import Status, Step
from models.collection import CollectionRun
from models.patients import PipelineStep
from services.collection.campaigns import move_order
from services.collection.failures import Failure
from services.collection.step import Behaviour, Claim, Tools, Verdict
from services.collection.steps.identify_patient import give_up_saving
from services.delivery.unit_of_work import Work


class FilesNotImported(Exception):
    """Some file did not get in. Set aside in failed/, beat tries it again; held by another worker, we do."""

    reason = "files_not_imported"

    def __init__(self, *, set_aside: bool) -> None:
        super().__init__()
        self.retryable = not set_aside


class ImportFiles(Behaviour):
    """Each file in a transaction of its own, natural keys, so a second import changes nothing."""

    step = Step.IMPORT_FILES
    limit_seconds = 180
    begin_status = Status.SAVING

    def perform(self, tools: Tools, claim: Claim) -> None:
        session_id = str(claim.session_id)
        summary = tools.importer.import_session(session_id)
        if not summary.is_complete:
            raise FilesNotImported(set_aside=bool(summary.parked or summary.next_retry_at))
        # The packages hold the same bytes; had we died before this, the next try drops them.
        tools.spool.drop_incoming(session_id)

    def finish(self, work: Work, run: CollectionRun, result: None, *, tools: Tools, claim: Claim) -> None:
        run.saved_at = now = tools.clock.now()
        move_order(
            work.session,
            run.oid,
            PipelineStep.DATA_COLLECTED,
            identity=claim.identity,
            now=now,
            patient_uuid=run.patient_uuid,
        )

    def give_up(self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime) -> Verdict:
        return give_up_saving(work, run, failure, now)
