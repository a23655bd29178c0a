"""Step 3: treatments and medication, 14 to 2 months back, since the insurer publishes late."""

from datetime import datetime

from core.names import Event, Status, Step, Streaming
from models.collection import CollectionRun
from services.collection.events import say, say_streaming
from services.collection.failures import Failure
from services.collection.paid_calls import PRESCRIPTIONS, PaidCalls
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.approved_calls import after_approval
from services.collection.steps.request_simple_auth import refuse
from services.collection.windows import treatment_window
from services.delivery.unit_of_work import Work
from services.patients.identification import reserve_patient
from upstream.http.exchange import PaidCall
from upstream.tilko.answers import DataAnswer, read_data_response
from upstream.tilko.client import TilkoClient


class FetchPrescriptions(StepHandler):
    """Done when the raw answer is on disk. Without it the chain goes on, if there are checkups."""

    step = Step.FETCH_PRESCRIPTIONS
    start_status = Status.FETCHING_PRESCRIPTION_DATA

    def __init__(self, tilko: TilkoClient, calls: PaidCalls, pseudonym_key: str, timeout_seconds: float) -> None:
        self._tilko = tilko
        self._calls = calls
        self._pseudonym_key = pseudonym_key
        self._timeout_seconds = timeout_seconds
        self.call_seconds = calls.seconds_of(timeout_seconds)
        self.limit_seconds = self.call_seconds + 60

    def on_start(self, work: Work, run: CollectionRun, now: datetime) -> None:
        say_streaming(work, run.session_id, Streaming.FETCHING_PRESCRIPTION_DATA, now=now)

    def run(self, claim: Claim) -> int:
        """The number of records."""
        window = treatment_window(claim.session_started_at)

        def ask(call: PaidCall) -> DataAnswer:
            return self._tilko.fetch_treatments(claim.person, claim.tokens, window.first, window.last, call)

        with after_approval():
            return self._calls.obtain(claim, PRESCRIPTIONS, self._timeout_seconds, ask, read_data_response).count

    def on_success(self, work: Work, run: CollectionRun, result: int, *, claim: Claim, now: datetime) -> None:
        if run.patient_uuid is None:  # the checkups failed, so nobody has said yet who this is
            reserved = reserve_patient(work.session, claim.identity, self._pseudonym_key)
            run.patient_uuid, run.hospital_id = reserved.patient_uuid, reserved.hospital_id
        run.prescription_count = result
        run.prescriptions_failed = False
        data = {"count": result, "patient_uuid": str(run.patient_uuid), "hospital_id": run.hospital_id}
        say_streaming(work, run.session_id, Streaming.PRESCRIPTION_COMPLETED, now=now, data=data)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        if failure.code in {"INFO_REQUIRED", "SERVICE_UNAVAILABLE"} and run.health_failed:
            return refuse(work, run, failure, now)
        run.prescriptions_failed = True
        message = "진료·투약 기록을 가져오지 못했어요."
        data: dict[str, object] = {"code": failure.code}
        say(work, run.session_id, Event.PRESCRIPTION_DATA_FAILED, message, now=now, status=run.status, data=data)
        return stop_without_records(work, run, now) if run.health_failed else AfterFailure.CONTINUE


def stop_without_records(work: Work, run: CollectionRun, now: datetime) -> AfterFailure:
    """Neither checkups nor prescriptions could be had. Who collects again begins with the checkups."""
    run.status = Status.ERROR
    message = "기록을 가져오지 못했어요. 잠시 후 다시 시도해 주세요."
    data = {"code": "DATA_COLLECTION_FAILED", "reason": "data_collection_failed", "retry_available": True}
    say(work, run.session_id, Event.ERROR, message, now=now, status=run.status, data=data)
    return AfterFailure.STOP
