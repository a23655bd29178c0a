"""Scans of the hospital's tags: by NFC, by the tag's address, by its QR code, or typed."""

from typing import Any

from flask import g

from models.journey import JourneyAction, JourneyRole, JourneyState, TagAction
from services.journey.actions import perform_action
from services.journey.errors import InvalidAction
from services.journey.guidance import MapPoint, guidance_body, guide
from services.journey.hospital_cache import HospitalCache, HospitalFacts, TagFacts
from services.journey.reading import read_snapshot
from services.journey.tags import ScannedBy, TagError, TagInactive, find_tag, log_scan
from services.journey.work import JourneyWork
from webapp.api.documented import fails
from webapp.api.journey.acting import count_action
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.scan_bounds import Scan, bind_scan, log_alone, note_device, tell_logged
from webapp.api.journey.schemas.tags import ScanInput, ScanOutput
from webapp.auth import mark_access
from webapp.auth.journey_callers import JourneyCaller, find_present_caller
from webapp.auth.scan_tokens import make_scan_token
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.limits import caller_place

blueprint = JourneyBlueprint("journey_scans", __name__, url_prefix="/api/v1/nfc", description="Tags on the walls")
# Where whoever is expected nowhere else goes first.
_RECEPTION = MapPoint("접수 창구", 1, 0, 0)


@blueprint.post("/scan/")
@blueprint.doc(security=[{}, {"access_token": []}])
@blueprint.arguments(ScanInput, error_status_code=400)
@blueprint.response(200, ScanOutput)
@fails(blueprint, 400, 401, 404, 410, 413, 415, 429)
def scan(body: dict[str, Any]) -> dict[str, Any]:
    """Where this is and where to go. Of a patient's first scan it is the arrival; a later one changes nothing."""
    caller = find_present_caller()
    named = {name: body[name] for name in ("tag_uid", "tag_code") if body[name] is not None}
    made = Scan(named, _holder(caller, body["device_id"]), caller_place(), body["via"])
    tag = _find(made)
    is_patient = caller is not None and not caller.is_staff
    journey, is_arrival = _arrive(tag, made, caller) if caller is not None and is_patient else (None, False)
    if not is_arrival:
        log_alone(TagAction.SCAN if caller is None else TagAction.RESCAN, tag.tag_id, made)
    note_device(tag.tag_id, made)
    return _answer(tag, journey, is_arrival=is_arrival, token_for=None if caller else body["device_id"] or "")


@blueprint.get("/qr-backup/<string:tag_code>")
@blueprint.response(200, ScanOutput)
@fails(blueprint, 404, 410, 429)
def show_by_qr(tag_code: str) -> dict[str, Any]:
    """The same for who looks only: it moves nobody, as browsers fetch addresses before anybody asks."""
    made = Scan({"tag_code": tag_code}, ScannedBy(), caller_place())
    tag = _find(made)
    log_alone(TagAction.QR, tag.tag_id, made)
    return _answer(tag, None, is_arrival=False, token_for="")


mark_access(scan, "public")
mark_access(show_by_qr, "public")


def _holder(caller: JourneyCaller | None, device_id: str | None) -> ScannedBy:
    is_patient = caller is not None and not caller.is_staff
    return ScannedBy(caller.principal_id if caller is not None and is_patient else None, device_id)


def _find(made: Scan) -> TagFacts:
    """Raises ApiError; what leads nowhere is logged, too."""
    try:
        with bind_scan(made):
            hospital = HospitalCache(stores().redis, stores().sessions).look()
            return find_tag(hospital, **made.named)
    except TagInactive as exc:
        raise ApiError(Code.TAG_INACTIVE) from exc
    except TagError as exc:
        raise ApiError(Code.TAG_NOT_FOUND) from exc


def _arrive(tag: TagFacts, made: Scan, caller: JourneyCaller) -> tuple[dict[str, Any], bool]:
    """The snapshot, and whether this scan was the arrival, which is logged with it. Never an error: who is here already
    has scanned again."""

    def read(journey: JourneyWork) -> dict[str, Any]:
        return read_snapshot(journey, caller.principal_id, JourneyRole.PATIENT)

    def arrive(journey: JourneyWork) -> tuple[dict[str, Any], bool]:
        payload = {"tag_id": tag.tag_id}
        done = perform_action(journey, caller.principal_id, JourneyAction.SCAN_NFC, payload, caller.actor).body
        return done, log_scan(journey.session, TagAction.SCAN, tag_id=tag.tag_id, said=made.said, by=made.by)

    snapshot = stores().journeys.read(read)
    if snapshot["journey_state"] != JourneyState.UNREGISTERED:
        return snapshot, False
    try:
        here, request_id = stores(), g.request_id
        action = JourneyAction.SCAN_NFC
        snapshot, is_logged = count_action(here, caller, action, lambda: here.journeys.run(arrive, request_id))
    except InvalidAction:  # arrived meanwhile, by another of their devices
        return stores().journeys.read(read), False
    if is_logged:
        tell_logged(TagAction.SCAN, tag.tag_id, made)
    return snapshot, True


def _answer(
    tag: TagFacts, journey: dict[str, Any] | None, *, is_arrival: bool, token_for: str | None
) -> dict[str, Any]:
    """`token_for` is the device that a scan token is made for, "" for any, None for nobody."""
    hospital = HospitalCache(stores().redis, stores().sessions).look()
    return {
        "success": True,
        "tag": {"tag_id": tag.tag_id, "title": tag.title, "floor": tag.floor, "x": tag.x, "y": tag.y},
        "exams": _exams_at(tag, hospital),
        "guidance": guidance_body(guide(_place_of(tag), _target_of(journey))),
        "transition": is_arrival,
        "journey": journey,
        "scan_token": None if token_for is None else make_scan_token(tag.tag_id, token_for or None),
    }


def _exams_at(tag: TagFacts, hospital: HospitalFacts) -> list[dict[str, str]]:
    known = (hospital.exams.get(exam_id) for exam_id in tag.exam_ids)
    return [{"exam_id": exam.exam_id, "title": exam.title} for exam in known if exam is not None]


def _place_of(tag: TagFacts) -> MapPoint:
    return MapPoint(tag.title, tag.floor, tag.x, tag.y, tag.room_id)


def _target_of(journey: dict[str, Any] | None) -> MapPoint:
    """Where the person is expected, as their snapshot has it; else the reception."""
    guidance = journey and journey["guidance"]
    if not guidance:
        return _RECEPTION
    to = guidance["to"]
    return MapPoint(to["title"], to["floor"], to["x"], to["y"], to["room_id"])
