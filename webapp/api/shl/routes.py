"""All routes of SMART Health Links, added to an app as one."""

from flask_smorest import Api

from webapp.api.shl import links, opening


def add_health_links(api: Api) -> None:
    # First: it answers the preflights of the address that both have.
    for resource in (opening, links):
        api.register_blueprint(resource.blueprint)
