"""Step 7: the disease-prediction report, for those who came for it. Its failure takes nothing of the rest."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Event, Status, Step, Streaming
from models.collection import CollectionRun
from models.patients import ConsentKind, Patient, PipelineStep
from services.collection.campaigns import move_order
from services.collection.events import say, say_streaming
from services.collection.failures import Failure
from services.collection.paid_calls import REPORT, PaidCalls
from services.collection.reports import (
    MadeReport,
    MissingInputs,
    mark_report_failed,
    prepare_report,
    report_tid,
    store_report,
)
from services.collection.step import AfterFailure, Claim, StepHandler
from services.delivery.unit_of_work import Work
from services.patients.consents import require_consent
from upstream.http.exchange import PaidCall
from upstream.mediarc.answers import ReportAnswer, read_report_response
from upstream.mediarc.client import MediarcClient
from upstream.mediarc.errors import ReportInputsMissing


def _patient_of(run: CollectionRun) -> UUID:
    if run.patient_uuid is None:
        raise AssertionError("identified four steps before")
    return run.patient_uuid


class MakeReport(StepHandler):
    """Every try carries the same `tid`, by which the provider knows that it is one report."""

    step = Step.MAKE_REPORT
    start_status = Status.MEDIARC_GENERATING

    def __init__(
        self,
        mediarc: MediarcClient,
        calls: PaidCalls,
        sessions: sessionmaker[Session],
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self._mediarc = mediarc
        self._calls = calls
        self._timeout_seconds = timeout_seconds
        self.limit_seconds = calls.seconds_of(timeout_seconds) + 60
        self._sessions = sessions
        self._clock = clock

    def on_start(self, work: Work, run: CollectionRun, now: datetime) -> None:
        say_streaming(work, run.session_id, Streaming.MEDIARC_GENERATING, now=now)

    def run(self, claim: Claim) -> MadeReport:
        with self._sessions.begin() as session:
            # At each try, from the table itself: a withdrawal ends reports alone, so it leaves the run's row as it is.
            require_consent(session, claim.session_id, ConsentKind.THIRD_PARTY_MEDIARC)
            move_order(
                session, claim.identity.oid, PipelineStep.REPORT_WAITING, identity=claim.identity, now=self._clock.now()
            )
            patient = session.get_one(Patient, claim.patient_uuid)
            order = prepare_report(session, patient, claim.identity, report_tid(claim.session_id))
        if isinstance(order, MissingInputs):
            raise ReportInputsMissing(order.missing)

        def ask(call: PaidCall) -> ReportAnswer:
            return self._mediarc.order_report(order.payload, call)

        answer = self._calls.obtain(claim, REPORT, self._timeout_seconds, ask, read_report_response)
        return MadeReport(answer, order.checkup_date)

    def on_success(self, work: Work, run: CollectionRun, result: MadeReport, *, claim: Claim, now: datetime) -> None:
        store_report(
            work.session,
            patient_uuid=_patient_of(run),
            session_id=run.session_id,
            identity=claim.identity,
            report=result,
            now=now,
        )
        data = {"patient_uuid": str(run.patient_uuid), "hospital_id": run.hospital_id}
        say_streaming(work, run.session_id, Streaming.MEDIARC_COMPLETED_PASSWORD_READY, now=now, data=data)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        mark_report_failed(work.session, patient_uuid=_patient_of(run), identity=claim.identity, now=now)
        data = {"code": failure.code} | {key: failure.detail[key] for key in ("missing",) if key in failure.detail}
        say(work, run.session_id, Event.MEDIARC_FAILED, failure.message, now=now, status=run.status, data=data)
        return AfterFailure.CONTINUE
