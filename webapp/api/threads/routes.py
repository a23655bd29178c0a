"""All routes of the threads, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.threads import audit, keys, pushing, reading, threads
from webapp.api.threads.live.authority import ThreadAuthority
from webapp.current import parts

_RESOURCES = (threads, keys, pushing, reading, audit)


def add_threads(app: Flask, api: Api) -> None:
    # One for the process: the relay asks it about all readers together.
    app.extensions[reading.AUTHORITY] = ThreadAuthority(parts(app).stores)
    for resource in _RESOURCES:
        api.register_blueprint(resource.blueprint)
