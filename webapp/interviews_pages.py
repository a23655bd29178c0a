"""The interviews' pages: signing in, my projects, one project. Frames only: what stands in them is asked of the API."""

from uuid import UUID

from flask import Blueprint, render_template

from webapp.pages import guard

blueprint = Blueprint("pages_interviews", __name__)
blueprint.after_request(guard)


@blueprint.get("/login")
def login() -> str:
    return render_template("interviews/login.html")


@blueprint.get("/projects")
def projects() -> str:
    return render_template("interviews/projects.html")


@blueprint.get("/projects/<uuid:project_id>")
def project(project_id: UUID) -> str:
    """The same for everybody: whether there is such a project, the page learns as its reader may."""
    del project_id
    return render_template("interviews/project.html")
