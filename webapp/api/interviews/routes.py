"""All routes of the interviews, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.interviews import audit, exports, insights, interviews, marking, projects, search, stream, workflow

RESOURCES = (workflow, interviews, projects, search, exports, marking, insights, audit, stream)


def add_interviews(app: Flask, api: Api) -> None:
    stream.keep_authority(app)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
