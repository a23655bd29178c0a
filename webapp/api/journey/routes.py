"""All routes of the journey, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.journey import admin_hospital, boards, definitions, fhir, maps, oversight, refreshes

RESOURCES = (definitions, refreshes, admin_hospital, maps, boards, oversight, fhir)


def add_journey(app: Flask, api: Api) -> None:
    """Of HTTP and of sockets."""
    del app
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
