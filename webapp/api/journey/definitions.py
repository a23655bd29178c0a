"""The journey's states, actions and addresses, so that no client has a table of its own."""

import json

from flask import Response

from models.journey.definitions import state_definitions
from services.journey.calling import RECALL_AFTER, UNDO_WITHIN
from webapp.api.documented import fails
from webapp.api.journey.addresses import SOCKETS
from webapp.api.journey.blueprint import JourneyBlueprint
from webapp.api.journey.schemas.definitions import DefinitionsOutput
from webapp.api.rendered import answer_rendered
from webapp.auth import mark_access
from webapp.current import stores

blueprint = JourneyBlueprint("journey_definitions", __name__, url_prefix="/api/v1", description="States and actions")


@blueprint.get("/state-definitions/")
@blueprint.response(200, DefinitionsOutput)
@fails(blueprint)
def show_definitions() -> Response:
    """Made once in a process; with `If-None-Match` it answers 304."""
    return answer_rendered("state-definitions", _render, "application/json")


mark_access(show_definitions, "public")


def _render() -> str:
    limits = {
        "recall_after_seconds": int(RECALL_AFTER.total_seconds()),
        "undo_call_within_seconds": int(UNDO_WITHIN.total_seconds()),
        "no_show_after_seconds": stores().settings.journey.no_show_after_seconds,
    }
    time_zone = stores().settings.journey.time_zone.key
    told = state_definitions() | {"sockets": SOCKETS, "limits": limits, "time_zone": time_zone}
    return json.dumps({"success": True, **told})
