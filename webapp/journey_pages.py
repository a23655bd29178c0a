"""The journey's pages: the patient's, the one a tag leads to, the desk's and the hall's screen."""

from flask import Blueprint, render_template

from webapp.pages import guard

blueprint = Blueprint("pages_journey", __name__)
blueprint.after_request(guard)


@blueprint.get("/journey")
def journey() -> str:
    """The patient's way through the hospital; whose it is, the page asks the API."""
    return render_template("journey/journey.html")


@blueprint.get("/t/<string:tag_code>")
def tag(tag_code: str) -> str:
    """Where a tag's address leads. A request changes nothing, as previews make it too: the page tells the scan."""
    del tag_code
    return render_template("journey/tag.html")


@blueprint.get("/staff/journey")
def staff_journey() -> str:
    """The desk of a line; the frame only."""
    return render_template("journey/staff.html")


@blueprint.get("/hall/<string:display_id>")
def hall(display_id: str) -> str:
    """A hall's screen; its key stands behind the `#` of its address, which no browser sends."""
    del display_id
    return render_template("journey/hall.html")
