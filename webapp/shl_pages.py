"""The page that opens SMART Health Links."""

from flask import Blueprint, render_template

from webapp.pages import guard

blueprint = Blueprint("pages_shl", __name__)
blueprint.after_request(guard)


@blueprint.get("/shl")
def shl() -> str:
    """The frame only, the same for everybody: the link stands behind the `#` of the address, which no browser sends."""
    return render_template("shl/shl.html")
