"""The threads' page, its Worker, and the service worker that sends what it left and shows it without a network."""

from flask import Blueprint, Response, render_template, url_for

from webapp.pages import guard

blueprint = Blueprint("pages_threads", __name__)
blueprint.after_request(guard)
# Without the pages' policy: a script has one of its own (headers.py).
scripts = Blueprint("pages_threads_scripts", __name__)


@blueprint.get("/threads")
def threads() -> str:
    """The frame only, the same for everybody: what stands in it is decrypted in the browser."""
    return render_template("threads/threads.html")


@blueprint.get("/sw.js")
def service_worker() -> Response:
    """At the root, as a service worker's address bounds what it may see; the module itself is a static file."""
    return _import("sdk/threads/service_worker.js")


@scripts.get("/threads/crypto_worker.js")
def crypto_worker() -> Response:
    """Below the page, within the service worker's scope: else a Worker would get no imports without a network."""
    return _import("sdk/threads/crypto_worker.js")


def _import(name: str) -> Response:
    response = Response(f'import "{url_for("static", filename=name)}";\n', mimetype="text/javascript")
    response.cache_control.no_cache = True
    return response
