"""All routes of the interviews, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.interviews import (
    audit,
    chat,
    exports,
    insights,
    interviews,
    marking,
    monitoring,
    projects,
    reading_right,
    search,
    stream,
    workflow,
)

RESOURCES = (workflow, interviews, projects, search, exports, marking, insights, audit, stream, chat, monitoring)


def add_interviews(app: Flask, api: Api) -> None:
    reading_right.keep_authority(app)
    monitoring.keep_reports(app)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    api.register_blueprint(monitoring.staff_blueprint)
