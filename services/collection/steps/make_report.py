"""Step 7: the disease-prediction report, for those who came for it. Its failure takes nothing of the rest."""

from datetime import datetime
from uuid import UUID

from core.names import Event, Status, Step, Streaming
from models.collection import CollectionRun
from models.patients import Patient, PipelineStep
from services.collection.campaigns import move_order
from services.collection.events import say, say_streaming
from services.collection.failures import Failure
from services.collection.reports import MissingInputs, mark_report_failed, prepare_report, report_tid, store_report
from services.collection.step import Behaviour, Claim, Tools, Verdict
from services.delivery.unit_of_work import Work
from upstream.mediarc.answers import ReportAnswer
from upstream.mediarc.errors import ReportInputsMissing


def _patient_of(run: CollectionRun) -> UUID:
    if run.patient_uuid is None:
        raise AssertionError("identified four steps before")
    return run.patient_uuid


class MakeReport(Behaviour):
    """Every try carries the same `tid`, by which the provider knows that it is one report."""

    step = Step.MAKE_REPORT
    limit_seconds = 150
    begin_status = Status.MEDIARC_GENERATING

    def begin(self, work: Work, run: CollectionRun, now: datetime) -> None:
        say_streaming(work, run.session_id, Streaming.MEDIARC_GENERATING, now=now)

    def perform(self, tools: Tools, claim: Claim) -> ReportAnswer:
        with tools.sessions.begin() as session:
            move_order(
                session, claim.identity.oid, PipelineStep.REPORT_WAITING, identity=claim.identity, now=tools.clock.now()
            )
            patient = session.get_one(Patient, claim.patient_uuid)
            order = prepare_report(session, patient, claim.identity, report_tid(claim.session_id))
        if isinstance(order, MissingInputs):
            raise ReportInputsMissing(order.missing)
        return tools.mediarc.order_report(order.payload)

    def finish(self, work: Work, run: CollectionRun, result: ReportAnswer, *, tools: Tools, claim: Claim) -> None:
        now = tools.clock.now()
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

    def give_up(self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime) -> Verdict:
        mark_report_failed(work.session, patient_uuid=_patient_of(run), identity=claim.identity, now=now)
        data = {"code": failure.code} | {key: failure.detail[key] for key in ("missing",) if key in failure.detail}
        say(work, run.session_id, Event.MEDIARC_FAILED, failure.message, now=now, status=run.status, data=data)
        return Verdict.GO_ON
