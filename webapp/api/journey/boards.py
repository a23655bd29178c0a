"""A line's board, for staff; a hall's screen, for whoever has its key."""

from typing import Any

from services.journey.boards import HospitalMoment, board_body, read_board, read_names
from services.journey.estimates import RuleBasedEstimator
from services.journey.halls import read_hall
from services.journey.hospital import NotThere, find_display
from services.journey.hospital_cache import HospitalCache
from webapp.api.documented import SECURITY_STAFF, fails
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.boards import BoardOutput, HallOutput
from webapp.api.journey.shown_people import note_shown
from webapp.auth import mark_access
from webapp.auth.credentials import bearer_token
from webapp.auth.journey_callers import JourneyCaller, for_journey_staff
from webapp.current import stores
from webapp.error_codes import Code
from webapp.errors import ApiError
from webapp.tag_alerts import find_marked

blueprint = JourneyBlueprint("journey_boards", __name__, url_prefix="/api/v1", description="Boards and halls")
_ESTIMATOR = RuleBasedEstimator()


@blueprint.get("/board/<string:exam_id>")
@blueprint.doc(security=SECURITY_STAFF)
@for_journey_staff
@blueprint.response(200, BoardOutput)
@fails(blueprint, 401, 403, 404)
def show_board(caller: JourneyCaller, exam_id: str) -> dict[str, Any]:
    """Everybody in a line: who is inside, who is called, then in the order of calling."""
    with stores().unit_of_work.reading() as work:
        board = read_board(work.session, exam_id, _ESTIMATOR, _moment())
        if board is None:
            raise ApiError(Code.EXAM_NOT_FOUND)
        body = board_body(board, read_names(work.session, board))
    note_shown(caller, "board", len(board.entries))
    return {"success": True, **body, "tag_alerts": _read_tag_alerts()}


@blueprint.get("/hall/<string:display_id>")
@blueprint.doc(security=SECURITY_STAFF)
@blueprint.response(200, HallOutput)
@fails(blueprint, 401, 404)
def show_hall(display_id: str) -> dict[str, Any]:
    """Numbers that are called and that come next. With the screen's key as bearer token: one that opens nothing is
    refused, and to another screen's key this one is not found."""
    with stores().unit_of_work.reading() as work:
        try:
            display = find_display(work.session, display_id, bearer_token() or "")
        except NotThere as exc:
            raise ApiError(Code.NOT_FOUND) from exc
        if display is None:
            raise ApiError(Code.UNAUTHORIZED)
        return {"success": True, **read_hall(work.session, display, _ESTIMATOR, _moment())}


def _read_tag_alerts() -> list[dict[str, str]]:
    """All of the hospital's: whoever sees it first has its code changed."""
    here, marked = stores(), find_marked()
    if not marked:
        return []
    tags = HospitalCache(here.redis, here.sessions).look().tags
    return [{"tag_id": tag.tag_id, "title": tag.title} for tag in tags if tag.is_active and tag.tag_id in marked]


def _moment() -> HospitalMoment:
    here = stores()
    return HospitalMoment.of(here.settings.journey, here.clock.now())


mark_access(show_hall, "display key")
