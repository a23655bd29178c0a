"""All routes of the journey, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.journey import (
    admin_hospital,
    admin_staff,
    boards,
    definitions,
    fhir,
    itinerary,
    maps,
    notifications,
    oversight,
    patient_journey,
    queues,
    refreshes,
    reports,
    scans,
    shift_choices,
    simple_login,
    staff,
    web_push,
)
from webapp.api.journey.live import routes as live
from webapp.api.journey.live.routes import add_live_sockets
from webapp.relay.handshake import RelaySock

RESOURCES = (
    definitions,
    refreshes,
    simple_login,
    scans,
    patient_journey,
    itinerary,
    queues,
    live,
    staff,
    shift_choices,
    notifications,
    web_push,
    reports,
    admin_hospital,
    admin_staff,
    maps,
    boards,
    oversight,
    fhir,
)


def add_journey(app: Flask, api: Api, sock: RelaySock) -> None:
    """Of HTTP and of sockets."""
    add_live_sockets(app, sock)
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
