"""All routes of the threads, added to an app as one."""

from flask import Flask
from flask_smorest import Api

from webapp.api.threads import audit, blobs, keys, pushing, reading, records, threads
from webapp.api.threads.live.authority import AUTHORITY, ThreadAuthority
from webapp.api.threads.live.routes import add_thread_socket
from webapp.current import parts
from webapp.relay.handshake import RelaySock

_RESOURCES = (threads, keys, pushing, reading, blobs, records, audit)


def add_threads(app: Flask, api: Api, sock: RelaySock) -> None:
    # One for the process: the relay asks it about all readers together.
    app.extensions[AUTHORITY] = ThreadAuthority(parts(app).stores)
    for resource in _RESOURCES:
        api.register_blueprint(resource.blueprint)
    add_thread_socket(app, sock)
