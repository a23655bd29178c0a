"""Having one's stored records put into a thread, by the service that is in it."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from models.patients import AccessedWhat
from services.patients.access_log import Look
from services.patients.joins import find_older
from services.threads.acting import AuditedAttempt, ThreadWork
from services.threads.audit_chain import AuditAction
from services.threads.record_messages import SentKind
from services.threads.record_sending import ask_for_records
from webapp.api.documented import SECURITY_THREADS, fails
from webapp.api.threads.schemas.records import SendingOutput, SendRecordsInput
from webapp.auth.thread_members import KnownMember, for_known
from webapp.current import stores
from webapp.limits import count_use
from webapp.looks import asker

blueprint = Blueprint("threads_records", __name__, url_prefix="/api/threads", description="Stored records in threads")
# Each writes an envelope for every record.
_SEND_LIMIT = "30 per hour"


@blueprint.post("/<string:thread_id>/send-records")
@blueprint.doc(security=SECURITY_THREADS)
@for_known
@blueprint.arguments(SendRecordsInput, error_status_code=400)
@blueprint.response(202, SendingOutput)
@fails(blueprint, 400, 401, 403, 404, 409, 413, 415, 429)
def send_records(known: KnownMember, body: dict[str, Any], thread_id: str) -> dict[str, Any]:
    """Mine, as a patient; `service:welno` puts them into envelopes of its own. The same again while it is under way is
    the same sending, and with the same `requestId` also after its end."""
    count_use(_SEND_LIMIT, "thread-send-records", known.member)
    kinds = [SentKind(one) for one in body["what"]]
    with stores().threads(known.as_caller(), attempt=AuditedAttempt(AuditAction.SEND_RECORDS, thread_id)) as unit:
        sending_id, is_new = ask_for_records(unit, thread_id, kinds, body["requestId"])
        if is_new:
            _record_looks(unit, UUID(known.member.partition(":")[2]), kinds)
    return {"success": True, "sendingId": sending_id}


def _record_looks(unit: ThreadWork, patient_uuid: UUID, kinds: list[SentKind]) -> None:
    """Whoever is in the thread gets to see them by the patient's word: theirs, and an older patient's of the same
    person."""
    older, actor = find_older(unit.session, patient_uuid), asker()
    people = (patient_uuid, *([older] if older is not None else []))
    looks = [Look(actor, AccessedWhat(kind), one) for kind in sorted(set(kinds)) for one in people]
    stores().access_log.record_all(unit.session, looks, unit.now)
