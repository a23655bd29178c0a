"""All routes of the interviews, added to an app as one."""

from flask_smorest import Api

from webapp.api.interviews import interviews, projects, workflow

RESOURCES = (workflow, interviews, projects)


def add_interviews(api: Api) -> None:
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
