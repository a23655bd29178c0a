"""All routes of the journey, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.journey import (
    admin_hospital,
    admin_staff,
    definitions,
    maps,
    notifications,
    patient_journey,
    queues,
    refreshes,
    scans,
    simple_login,
    staff,
)

RESOURCES = (
    definitions,
    refreshes,
    simple_login,
    scans,
    patient_journey,
    queues,
    staff,
    notifications,
    admin_hospital,
    admin_staff,
    maps,
)


def add_journey(app: Flask, api: Api) -> None:
    """Of HTTP and of sockets."""
    del app
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
