"""The connection of a live stream, which its server goes on writing to."""

import socket

from flask import Flask

from webapp.relay.server_connection import ServerConnection


def test_a_stream_is_exempt_from_the_deadline_of_ordinary_answers():
    served, peer = socket.socketpair()
    served.settimeout(1)
    with served, peer, Flask(__name__).test_request_context(environ_overrides={"gunicorn.socket": served}):
        connection = ServerConnection()
        connection.release()
        assert served.gettimeout() is None
