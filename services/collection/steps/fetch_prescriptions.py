"""Step 3: treatments and medication, 14 to 2 months back, since the insurer publishes late."""

from datetime import date, datetime

from core.names import Event, Status, Step, Streaming
from models.collection import CollectionRun
from services.collection.answers import find_or_fetch
from services.collection.events import say, say_streaming
from services.collection.failures import Failure
from services.collection.step import Behaviour, Claim, Tools, Verdict
from services.collection.steps.request_simple_auth import refuse
from services.delivery.unit_of_work import Work
from services.patients.identification import reserve_patient
from spool import DataType
from upstream.tilko.answers import DataAnswer


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last day when the month is shorter."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has a 28th day")


class FetchPrescriptions(Behaviour):
    """Done when the raw answer is on disk. Without it the chain goes on, if there are checkups."""

    step = Step.FETCH_PRESCRIPTIONS
    limit_seconds = 360
    begin_status = Status.FETCHING_PRESCRIPTION_DATA

    def begin(self, work: Work, run: CollectionRun, now: datetime) -> None:
        say_streaming(work, run.session_id, Streaming.FETCHING_PRESCRIPTION_DATA, now=now)

    def perform(self, tools: Tools, claim: Claim) -> int:
        """The number of records."""
        today = tools.clock.now().date()

        def fetch() -> DataAnswer:
            return tools.tilko.fetch_treatments(
                claim.person, claim.tokens, months_before(today, 14), months_before(today, 2)
            )

        return find_or_fetch(tools, str(claim.session_id), DataType.PRESCRIPTION, fetch)

    def finish(self, work: Work, run: CollectionRun, result: int, *, tools: Tools, claim: Claim) -> None:
        if run.patient_uuid is None:  # the checkups failed, so nobody has said yet who this is
            reserved = reserve_patient(work.session, claim.identity, tools.settings.secrets.pseudonym_key)
            run.patient_uuid, run.hospital_id = reserved.patient_uuid, reserved.hospital_id
        run.prescription_count = result
        run.prescriptions_failed = False
        data = {"count": result, "patient_uuid": str(run.patient_uuid), "hospital_id": run.hospital_id}
        say_streaming(work, run.session_id, Streaming.PRESCRIPTION_COMPLETED, now=tools.clock.now(), data=data)

    def give_up(self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime) -> Verdict:
        if failure.code in {"INFO_REQUIRED", "SERVICE_UNAVAILABLE"} and run.health_failed:
            return refuse(work, run, failure, now)
        run.prescriptions_failed = True
        message = "처방 기록을 가져오지 못했어요."
        data: dict[str, object] = {"code": failure.code}
        say(work, run.session_id, Event.PRESCRIPTION_DATA_FAILED, message, now=now, status=run.status, data=data)
        if not run.health_failed:
            return Verdict.GO_ON
        run.status = Status.ERROR
        message = "기록을 가져오지 못했어요. 잠시 후 다시 시도해 주세요."
        data = {"code": "DATA_COLLECTION_FAILED", "reason": "data_collection_failed", "retry_available": True}
        say(work, run.session_id, Event.ERROR, message, now=now, status=run.status, data=data)
        return Verdict.STOP
