"""The product, and what a bench needs beside it: pings as often as it wants, lists with an ETag for polls.

Run: `gunicorn -c webapp/gunicorn_conf.py 'dev.bench.interviews.web_app:create_app()'`.
"""

from dataclasses import replace

from flask import Flask, Response, request

from webapp import create_app as create_product
from webapp.api.interviews.stream import ProjectSource

ETAG_WISH = "X-Bench-ETag"


def create_app() -> Flask:
    app = create_product()
    app.after_request(_add_etag)
    app.add_url_rule("/bench/pings", view_func=_ping_every, methods=["GET"])
    return app


def _add_etag(response: Response) -> Response:
    """As polling would be done by whoever cares; the product's own list is asked for once."""
    if ETAG_WISH in request.headers:
        response.add_etag()
        response.make_conditional(request)
    return response


def _ping_every() -> Response:
    """An hour of pings need not take an hour. Each stream follows after its next event."""
    ProjectSource.sse = replace(ProjectSource.sse, keep_alive_seconds=float(request.args["seconds"]))
    return Response(status=204)
