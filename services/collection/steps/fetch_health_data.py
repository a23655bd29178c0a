"""Step 2: the checkups, unless the poll that found the approval has brought them: they are never asked for twice."""

from datetime import datetime

from core.names import Event, Status, Step, Streaming
from models.collection import CollectionRun
from models.collection.run_states import wants_report
from models.patients import PipelineStep
from services.collection.campaigns import move_order
from services.collection.events import say, say_streaming
from services.collection.failures import Failure
from services.collection.paid_calls import CHECKUPS, PaidCalls
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.approved_calls import after_approval
from services.collection.steps.request_simple_auth import refuse
from services.delivery.unit_of_work import Work
from services.patients.identification import reserve_patient
from upstream.http.exchange import PaidCall
from upstream.tilko.answers import DataAnswer, read_data_response
from upstream.tilko.client import TilkoClient


class FetchHealthData(StepHandler):
    """Done when the raw answer is on disk. A second run finds it there."""

    step = Step.FETCH_HEALTH_DATA
    start_status = Status.FETCHING_HEALTH_DATA

    def __init__(self, tilko: TilkoClient, calls: PaidCalls, pseudonym_key: str, timeout_seconds: float) -> None:
        self._tilko = tilko
        self._calls = calls
        self._pseudonym_key = pseudonym_key
        self._timeout_seconds = timeout_seconds
        self.call_seconds = calls.seconds_of(timeout_seconds)
        self.limit_seconds = self.call_seconds + 60

    def on_start(self, work: Work, run: CollectionRun, now: datetime) -> None:
        say_streaming(work, run.session_id, Streaming.FETCHING_HEALTH_DATA, now=now)

    def run(self, claim: Claim) -> int:
        """The number of records."""

        def ask(call: PaidCall) -> DataAnswer:
            return self._tilko.fetch_checkups(claim.person, claim.tokens, call)

        with after_approval():
            return self._calls.obtain(claim, CHECKUPS, self._timeout_seconds, ask, read_data_response).count

    def on_success(self, work: Work, run: CollectionRun, result: int, *, claim: Claim, now: datetime) -> None:
        reserved = reserve_patient(work.session, claim.identity, self._pseudonym_key)
        run.patient_uuid, run.hospital_id = reserved.patient_uuid, reserved.hospital_id
        run.health_count = result
        run.health_failed = False
        run.auth_completed_at = run.auth_completed_at or now
        move_order(work.session, run.oid, PipelineStep.TILKO_SYNCING, identity=claim.identity, now=now, new_run=True)
        data = {
            "count": result,
            "patient_uuid": str(run.patient_uuid),
            "hospital_id": run.hospital_id,
            "redirect_to_report": wants_report(run.redirect_path, result),
        }
        say_streaming(work, run.session_id, Streaming.HEALTH_DATA_COMPLETED, now=now, data=data)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        """The prescriptions may still be had; only what the person must correct stops the chain here."""
        if failure.code in {"INFO_REQUIRED", "SERVICE_UNAVAILABLE"}:
            return refuse(work, run, failure, now)
        say_health_data_failed(work, run, failure, now)
        return AfterFailure.CONTINUE


def say_health_data_failed(work: Work, run: CollectionRun, failure: Failure, now: datetime) -> None:
    """The checkups cannot be had; the prescriptions follow all the same."""
    run.health_failed = True
    message = "건강검진 기록을 가져오지 못했어요. 진료·투약 기록을 이어서 가져올게요."
    data = {"code": failure.code}
    say(work, run.session_id, Event.HEALTH_DATA_FAILED, message, now=now, status=run.status, data=data)
