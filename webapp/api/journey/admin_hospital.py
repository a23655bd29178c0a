"""What a hospital's admins set up: exams, rooms, tags on the walls, displays in the halls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models.journey import Display, Exam, HospitalRoom, NfcTag
from services.delivery.unit_of_work import Work
from services.journey.hospital import (
    AlreadyThere,
    KeyUnfit,
    NotThere,
    UnknownReference,
    add_display,
    add_row,
    add_tag,
    change_display,
    change_row,
    change_tag,
    list_rows,
    rotate_tag,
)
from services.journey.hospital_cache import HospitalCache
from services.journey.tags import short_code_of
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.hospital import (
    DisplayChangeInput,
    DisplayInput,
    DisplayOutput,
    DisplaysOutput,
    ExamChangeInput,
    ExamInput,
    ExamOutput,
    ExamsOutput,
    RoomChangeInput,
    RoomInput,
    RoomOutput,
    RoomsOutput,
    TagChangeInput,
    TagInput,
    TagOutput,
    TagsOutput,
)
from webapp.auth.journey_callers import JourneyCaller, for_journey_admin
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.tag_alerts import find_marked, forget_mark

blueprint = JourneyBlueprint("journey_hospital", __name__, url_prefix="/api/v1/admin", description="Setting it up")
_REFUSED = (400, 401, 403, 413, 415)
_CHANGE_REFUSED = (*_REFUSED, 404)


@blueprint.get("/rooms")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, RoomsOutput)
@fails(blueprint, 401, 403)
def list_rooms(_: JourneyCaller) -> dict[str, Any]:
    """All rooms."""
    with _read() as work:
        return {"success": True, "rooms": list_rows(work.session, HospitalRoom)}


@blueprint.post("/rooms")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(RoomInput, error_status_code=400)
@blueprint.response(201, RoomOutput)
@fails(blueprint, *_REFUSED)
def create_room(_: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """A new room."""
    with _change(Code.NOT_FOUND) as work:
        return {"success": True, "room": add_row(work.session, HospitalRoom, body)}


@blueprint.patch("/rooms/<string:room_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(RoomChangeInput, error_status_code=400)
@blueprint.response(200, RoomOutput)
@fails(blueprint, *_CHANGE_REFUSED)
def update_room(_: JourneyCaller, body: dict[str, Any], room_id: str) -> dict[str, Any]:
    """What the body names."""
    with _change(Code.NOT_FOUND) as work:
        return {"success": True, "room": change_row(work.session, HospitalRoom, room_id, body)}


@blueprint.get("/exams")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, ExamsOutput)
@fails(blueprint, 401, 403)
def list_exams(_: JourneyCaller) -> dict[str, Any]:
    """All exams."""
    with _read() as work:
        return {"success": True, "exams": list_rows(work.session, Exam)}


@blueprint.post("/exams")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(ExamInput, error_status_code=400)
@blueprint.response(201, ExamOutput)
@fails(blueprint, *_REFUSED)
def create_exam(_: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """A new exam."""
    with _change(Code.EXAM_NOT_FOUND) as work:
        return {"success": True, "exam": add_row(work.session, Exam, body)}


@blueprint.patch("/exams/<string:exam_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(ExamChangeInput, error_status_code=400)
@blueprint.response(200, ExamOutput)
@fails(blueprint, *_CHANGE_REFUSED)
def update_exam(_: JourneyCaller, body: dict[str, Any], exam_id: str) -> dict[str, Any]:
    """What the body names."""
    with _change(Code.EXAM_NOT_FOUND) as work:
        return {"success": True, "exam": change_row(work.session, Exam, exam_id, body)}


@blueprint.get("/tags")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, TagsOutput)
@fails(blueprint, 401, 403)
def list_tags(_: JourneyCaller) -> dict[str, Any]:
    """All tags, with what is to be written on each."""
    with _read() as work:
        return {"success": True, "tags": [_tag_item(tag) for tag in list_rows(work.session, NfcTag)]}


@blueprint.post("/tags")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(TagInput, error_status_code=400)
@blueprint.response(201, TagOutput)
@fails(blueprint, *_REFUSED)
def create_tag(_: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """A new tag; its code is drawn here, its `sun_key` answered nowhere."""
    with _change(Code.TAG_NOT_FOUND) as work:
        return {"success": True, "tag": _tag_item(add_tag(work.session, stores().tag_keys, body))}


@blueprint.patch("/tags/<string:tag_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(TagChangeInput, error_status_code=400)
@blueprint.response(200, TagOutput)
@fails(blueprint, *_CHANGE_REFUSED)
def update_tag(_: JourneyCaller, body: dict[str, Any], tag_id: str) -> dict[str, Any]:
    """What the body names."""
    with _change(Code.TAG_NOT_FOUND) as work:
        return {"success": True, "tag": _tag_item(change_tag(work.session, stores().tag_keys, tag_id, body))}


@blueprint.post("/tags/<string:tag_id>/rotate")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, TagOutput)
@fails(blueprint, 401, 403, 404, 413)
def rotate(_: JourneyCaller, tag_id: str) -> dict[str, Any]:
    """A new code; the old one is answered 410, and an alert of it ends."""
    with _change(Code.TAG_NOT_FOUND) as work:
        tag = _tag_item(rotate_tag(work.session, tag_id))
    forget_mark(tag_id)
    return {"success": True, "tag": tag | {"is_marked": False}}


@blueprint.get("/displays")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.response(200, DisplaysOutput)
@fails(blueprint, 401, 403)
def list_displays(_: JourneyCaller) -> dict[str, Any]:
    """All displays, without their keys."""
    with _read() as work:
        return {"success": True, "displays": list_rows(work.session, Display)}


@blueprint.post("/displays")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(DisplayInput, error_status_code=400)
@blueprint.response(201, DisplayOutput)
@fails(blueprint, *_REFUSED)
def create_display(_: JourneyCaller, body: dict[str, Any]) -> dict[str, Any]:
    """A new display, with its key."""
    with _change(Code.NOT_FOUND) as work:
        display, key = add_display(work.session, body)
    return {"success": True, "display": display, "key": key}


@blueprint.patch("/displays/<string:display_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_admin
@blueprint.arguments(DisplayChangeInput, error_status_code=400)
@blueprint.response(200, DisplayOutput)
@fails(blueprint, *_CHANGE_REFUSED)
def update_display(_: JourneyCaller, body: dict[str, Any], display_id: str) -> dict[str, Any]:
    """What the body names."""
    revoke = body.pop("is_revoked")
    with _change(Code.NOT_FOUND) as work:
        return {"success": True, "display": change_display(work, display_id, body, revoke=revoke)}


@contextmanager
def _read() -> Iterator[Work]:
    with stores().unit_of_work() as work:
        yield work


@contextmanager
def _change(unknown: Code) -> Iterator[Work]:
    """A transaction, after which everybody sees the change at once. Raises ApiError."""
    try:
        with stores().unit_of_work() as work:
            yield work
    except NotThere as exc:
        raise ApiError(unknown) from exc
    except AlreadyThere as exc:
        raise ApiError(Code.VALIDATION_FAILED, details={exc.field: ["이미 있어요. 다른 것을 써 주세요."]}) from exc
    except KeyUnfit as exc:
        raise ApiError(
            Code.VALIDATION_FAILED, details={exc.field: ["태그 번호가 7바이트인 태그에만 쓸 수 있어요."]}
        ) from exc
    except UnknownReference as exc:
        raise ApiError(
            Code.VALIDATION_FAILED, details={exc.field: ["없는 것을 가리켜요. 다시 확인해 주세요."]}
        ) from exc
    HospitalCache(stores().redis, stores().sessions).forget()


def _tag_item(tag: NfcTag) -> dict[str, Any]:
    shown = ("tag_id", "tag_uid", "tag_code", "title", "room_id", "floor", "x", "y", "exam_ids", "is_active")
    is_marked, is_dynamic = tag.tag_id in find_marked(), tag.sun_key is not None
    more = {"short_code": short_code_of(tag.tag_code), "is_marked": is_marked, "is_dynamic": is_dynamic}
    return {name: getattr(tag, name) for name in shown} | more
