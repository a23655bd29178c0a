"""Step 5: the packages, whole and fsynced in pending/, before anything enters the database."""

from dataclasses import replace
from datetime import datetime

from core.logs import get_logger
from core.names import Status, Step
from models.collection import CollectionRun
from services.collection.failures import Failure
from services.collection.files import CollectedAnswer, CollectedData, UnusablePackage, keep_writable, packages_of
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.collection.steps.unsaved import UNREADABLE, stop_unsaved, tell_unsaved
from services.collection.windows import checkup_window, treatment_window
from services.delivery.unit_of_work import Work
from spool import AnswerKind, DamagedFile, Package, Spool, UnfitPackage
from upstream.tilko.errors import AnswerUnreadable

log = get_logger(__name__)


class SaveFiles(StepHandler):
    """Idempotent: the store keeps one package per session and kind. Each kind by itself: one that cannot be saved is
    parked for people to look at, and stops no other."""

    step = Step.SAVE_FILES
    limit_seconds = 120
    start_status = Status.SAVING

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def run(self, claim: Claim) -> frozenset[AnswerKind]:
        """Those that were had and could not be saved. Raises AnswerUnreadable when nothing is left."""
        if claim.patient_uuid is None:
            raise AssertionError("identified in the step before")
        patient = CollectedData(
            session_id=claim.session_id,
            patient_uuid=claim.patient_uuid,
            hospital_id=claim.hospital_id,
            identity=claim.identity,
            health=None,
            prescription=None,
        )
        [package] = packages_of(patient, claim.started_at)
        self._spool.put_pending(package)
        saved = {kind for kind in (AnswerKind.HEALTH, AnswerKind.PRESCRIPTION) if self._save(claim, patient, kind)}
        if not saved:
            raise AnswerUnreadable(reason="none_saved")
        counts = {AnswerKind.HEALTH: claim.health_count, AnswerKind.PRESCRIPTION: claim.prescription_count}
        # Also what is not there, though it was had: a process before this one has parked it, and died.
        return frozenset(kind for kind, count in counts.items() if count is not None and kind not in saved)

    def _save(self, claim: Claim, patient: CollectedData, kind: AnswerKind) -> bool:
        """Whether its package is durable. Raises StorageFault, SealedWithUnknownKey."""
        session_id = str(claim.session_id)
        if self._spool.find_incoming(session_id, kind) is None:
            return False
        try:
            package = self._pack(claim, patient, kind)
        except DamagedFile as exc:
            self._park(session_id, kind, f"damaged_{exc.reason}")
            return False
        except UnusablePackage as exc:
            self._park(session_id, kind, exc.reason)
            return False
        try:
            self._spool.put_pending(package)
        except UnfitPackage:
            self._spool.put_pending(keep_writable(package))
        return True

    def _pack(self, claim: Claim, patient: CollectedData, kind: AnswerKind) -> Package:
        session_id = str(claim.session_id)
        answered_at = self._spool.incoming_written_at(session_id, kind)
        is_health = kind is AnswerKind.HEALTH
        window = checkup_window(answered_at) if is_health else treatment_window(claim.session_started_at)
        answer = CollectedAnswer(self._spool.read_incoming(session_id, kind), answered_at, window)
        part = replace(patient, health=answer) if is_health else replace(patient, prescription=answer)
        return packages_of(part, claim.started_at)[-1]

    def _park(self, session_id: str, kind: AnswerKind, reason: str) -> None:
        name = self._spool.park_incoming(session_id, kind, reason).name
        log.error("paid_answer_parked", kind=kind, session_id=session_id, reason=reason, file=name)

    def on_success(
        self, work: Work, run: CollectionRun, result: frozenset[AnswerKind], *, claim: Claim, now: datetime
    ) -> None:
        tell_unsaved(work, run, result, now)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        if failure.code != UNREADABLE.code:
            return fail_saving(work, run, failure, now)
        return stop_unsaved(work, run, now)
