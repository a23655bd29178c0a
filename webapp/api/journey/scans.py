"""Scans of the hospital's tags: by NFC, by the tag's address, by its QR code, or typed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from flask import g

from models.journey import JourneyAction, JourneyRole, JourneyState, TagAction
from services.journey.actions import perform_action
from services.journey.errors import InvalidAction
from services.journey.guidance import MapPoint, guidance_body, guide
from services.journey.hospital_cache import HospitalCache, HospitalFacts, TagFacts
from services.journey.reading import read_snapshot
from services.journey.sun import SunPair
from services.journey.tags import ScannedBy, TagError, TagInactive, TagReplayed, find_tag
from services.journey.work import JourneyWork
from webapp.api.documented import fails
from webapp.api.journey.acting import count_action
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.scan_bounds import Scan, bind_scan, log_found, log_tag_scan, note_device, tell_logged
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
@fails(blueprint, 400, 401, 404, 409, 410, 413, 415, 429)
def scan(body: dict[str, Any]) -> dict[str, Any]:
    """Where this is and where to go. Of a patient's first scan it is the arrival; a later one changes nothing."""
    caller = find_present_caller()
    named = {name: body[name] for name in ("tag_uid", "tag_code") if body[name] is not None}
    made = Scan(named, _holder(caller, body["device_id"]), caller_place(), body["via"], _pair(body))
    with _bound(made):
        tag = find_tag(HospitalCache(stores().redis, stores().sessions).look(), **named)
        outcome = _take(tag, made, caller)
    note_device(tag.tag_id, made)
    token = None if caller else make_scan_token(tag.tag_id, body["device_id"], outcome.reading_id)
    return _answer(tag, outcome, token)


@blueprint.get("/qr-backup/<string:tag_code>")
@blueprint.response(200, ScanOutput)
@fails(blueprint, 404, 410, 429)
def show_by_qr(tag_code: str) -> dict[str, Any]:
    """The same for who looks only: it moves nobody, as browsers fetch addresses before anybody asks. A dynamic tag has
    no QR code: 404."""
    made = Scan({"tag_code": tag_code}, ScannedBy(), caller_place())
    with _bound(made):
        tag = find_tag(HospitalCache(stores().redis, stores().sessions).look(), tag_code=tag_code)
        log_tag_scan(TagAction.QR, tag.tag_id, made)
    return _answer(tag, _Outcome(), make_scan_token(tag.tag_id, None))


mark_access(scan, "public")
mark_access(show_by_qr, "public")


@dataclass(frozen=True)
class _Outcome:
    """`journey` is the snapshot of a patient, `is_arrival` whether this scan was their arrival."""

    journey: dict[str, Any] | None = None
    is_arrival: bool = False
    reading_id: UUID | None = None


def _holder(caller: JourneyCaller | None, device_id: str | None) -> ScannedBy:
    is_patient = caller is not None and not caller.is_staff
    return ScannedBy(caller.principal_id if caller is not None and is_patient else None, device_id)


def _pair(body: dict[str, Any]) -> SunPair | None:
    """By itself, or in the address that was read."""
    e, c = body["e"], body["c"]
    if e is None and c is None:
        return SunPair.of_address(body["ndef"] or "")
    return SunPair(e or "", c or "")


@contextmanager
def _bound(made: Scan) -> Iterator[None]:
    """Raises ApiError for what leads nowhere, which is logged, too."""
    try:
        with bind_scan(made):
            yield
    except TagInactive as exc:
        raise ApiError(Code.TAG_INACTIVE) from exc
    except TagReplayed as exc:
        raise ApiError(Code.TAG_REPLAYED) from exc
    except TagError as exc:
        raise ApiError(Code.TAG_NOT_FOUND) from exc


def _take(tag: TagFacts, made: Scan, caller: JourneyCaller | None) -> _Outcome:
    """Of a patient's first scan it is the arrival, which is logged with it; whoever is here already has scanned
    again. Raises TagError, JourneyError of a dynamic tag."""
    if caller is None or caller.is_staff:
        done = log_tag_scan(TagAction.SCAN if caller is None else TagAction.RESCAN, tag.tag_id, made)
        return _Outcome(reading_id=done.reading_id)

    def read(journey: JourneyWork) -> dict[str, Any]:
        return read_snapshot(journey, caller.principal_id, JourneyRole.PATIENT)

    snapshot = stores().journeys.read(read)
    if snapshot["journey_state"] == JourneyState.UNREGISTERED:
        try:
            return _Outcome(_arrive(tag, made, caller), is_arrival=True)
        except InvalidAction:  # arrived meanwhile, by another of their devices, or by this very scan
            snapshot = stores().journeys.read(read)
    done = log_tag_scan(TagAction.RESCAN, tag.tag_id, made)
    return _Outcome(snapshot, is_arrival=done.first == TagAction.SCAN)


def _arrive(tag: TagFacts, made: Scan, caller: JourneyCaller) -> dict[str, Any]:
    """The snapshot. Raises JourneyError."""
    here, request_id, action = stores(), g.request_id, JourneyAction.SCAN_NFC
    payload = {"tag_id": tag.tag_id} | (asdict(made.pair) if made.pair else {})

    def arrive(journey: JourneyWork) -> tuple[dict[str, Any], bool]:
        done = perform_action(journey, caller.principal_id, action, payload, caller.actor).body
        return done, log_found(journey, made)

    snapshot, is_logged = count_action(here, caller, action, lambda: here.journeys.run(arrive, request_id))
    if is_logged:
        tell_logged(TagAction.SCAN, tag.tag_id, made)
    return snapshot


def _answer(tag: TagFacts, outcome: _Outcome, scan_token: str | None) -> dict[str, Any]:
    hospital = HospitalCache(stores().redis, stores().sessions).look()
    return {
        "success": True,
        "tag": {"tag_id": tag.tag_id, "title": tag.title, "floor": tag.floor, "x": tag.x, "y": tag.y},
        "exams": _exams_at(tag, hospital),
        "guidance": guidance_body(guide(_place_of(tag), _target_of(outcome.journey))),
        "transition": outcome.is_arrival,
        "journey": outcome.journey,
        "scan_token": scan_token,
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
