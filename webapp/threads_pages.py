"""The threads' page, and the service worker that sends what it left and shows it without a network."""

from flask import Blueprint, Response, render_template, url_for

from webapp.pages import guard

blueprint = Blueprint("pages_threads", __name__)
blueprint.after_request(guard)


@blueprint.get("/threads")
def threads() -> str:
    """The frame only, the same for everybody: what stands in it is decrypted in the browser."""
    return render_template("threads/threads.html")


@blueprint.get("/sw.js")
def service_worker() -> Response:
    """At the root, as a service worker's address bounds what it may see; the module itself is a static file."""
    module = url_for("static", filename="sdk/threads/service_worker.js")
    response = Response(f'import "{module}";\n', mimetype="text/javascript")
    response.cache_control.no_cache = True
    return response
