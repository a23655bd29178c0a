"""The pages a person sees, the chart library they draw with, and the headers that keep strangers' code out of them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, Response, abort, g, render_template, request, send_file, url_for
from werkzeug.exceptions import NotFound

from services.patients.consent_texts import ConsentTexts
from webapp.compression import compress
from webapp.error_codes import Code
from webapp.errors import answer_http
from webapp.static_files import serve_static_files

blueprint = Blueprint("pages", __name__)
blueprint.record_once(lambda state: serve_static_files(cast(Flask, state.app)))

_NODE_MODULES = Path(__file__).resolve().parents[1] / "node_modules"
# Nothing else of node_modules can be asked for.
_VENDOR_FILES = {
    "chart.js": _NODE_MODULES / "chart.js" / "dist" / "chart.umd.min.js",
    "chartjs-plugin-annotation.js": (
        _NODE_MODULES / "chartjs-plugin-annotation" / "dist" / "chartjs-plugin-annotation.min.js"
    ),
    "qr.js": _NODE_MODULES / "qr" / "decode.js",
    "index.js": _NODE_MODULES / "qr" / "index.js",
}
# What imports another beside it: both stand under the hash of the two.
_BUNDLES = dict.fromkeys(("qr.js", "index.js"), ("qr.js", "index.js"))
_YEAR_SECONDS = 365 * 86_400
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_CONTENT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
_PERMISSIONS = {"camera": "()", "microphone": "()", "geolocation": "()", "payment": "()"}


@dataclass(frozen=True)
class PageExtras:
    """What one page needs beyond what all may.

    `content`: directives of the Content-Security-Policy with their further sources, such as `worker-src` with `'self'`;
    a page with a worker or a service worker makes their addresses through the one policy `welno`, so it adds
    `trusted-types` with `welno`. `permissions`: features with who may use them, such as `camera` with `(self)`.
    """

    content: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)


NO_EXTRAS = PageExtras()
# By the page's endpoint. What stands here is allowed to that page alone.
EXTRAS: dict[str, PageExtras] = {
    # Links of others lead to servers of others.
    "pages_shl.shl": PageExtras(content={"connect-src": "https:"}),
    # The camera reads a tag's QR; the worker shows a call's notification; the manifest puts it on the home screen.
    "pages_journey.journey": PageExtras(
        content={"worker-src": "'self'", "manifest-src": "'self'", "trusted-types": "welno"},
        permissions={"camera": "(self)"},
    ),
    # Keys and plaintext stay in a worker; a service worker sends what waits; a picture that was decrypted is a `blob:`;
    # the camera reads the fingerprint of a device that is to be approved.
    "pages_threads.threads": PageExtras(
        content={"worker-src": "'self'", "trusted-types": "welno", "img-src": "blob:"},
        permissions={"camera": "(self)"},
    ),
}


def show_consent_texts(app: Flask, texts: ConsentTexts) -> None:
    """Give them to the page that asks for the consents."""
    app.jinja_env.globals["consent_texts"] = list(texts.values())


def show_demo_people(app: Flask, people: Sequence[Mapping[str, object]]) -> None:
    """Give them to the page whose form they fill in."""
    app.jinja_env.globals["demo_people"] = people


@blueprint.get("/")
def start() -> str:
    return render_template("collection/start.html")


@blueprint.get("/results-trend")
def results_trend() -> str:
    return render_template("collection/results_trend.html")


@blueprint.get("/disease-report")
def disease_report() -> str:
    return render_template("collection/disease_report.html")


@blueprint.get("/sign-in")
def sign_in() -> str:
    return render_template("collection/sign_in.html")


@blueprint.get("/my")
def my() -> str:
    return render_template("collection/my.html")


@blueprint.get("/my/withdrawn")
def my_withdrawn() -> str:
    return render_template("collection/my_withdrawn.html")


@blueprint.get("/my/erased")
def my_erased() -> str:
    """The frame of a receipt; what stands in it is asked of the API by the erasure's id."""
    return render_template("collection/my_erased.html")


@blueprint.get("/staff/runs")
def staff_runs() -> str:
    """The frame only, the same for everybody: what stands in it is asked of the admin API with a staff token."""
    return render_template("staff/runs.html")


@blueprint.app_errorhandler(NotFound)
def missing(error: NotFound) -> Response:
    """Somebody who typed or followed an address is shown a page; a program is told by JSON, as of any error."""
    accepted = request.accept_mimetypes.best_match(["application/json", "text/html"])
    if accepted != "text/html" or request.path.startswith("/api/") or request.method != "GET":
        return answer_http(error)
    g.error_code = Code.NOT_FOUND.value
    page = render_template("kit/missing.html", reference=g.get("request_id", ""))
    return guard(Response(page, 404, content_type="text/html; charset=utf-8"))


@blueprint.get("/static/vendor/<digest>/<name>")
def vendor(digest: str, name: str) -> Response:
    """The address carries the content's hash: a browser keeps the file for a year, an upgrade is a new address."""
    if name not in _VENDOR_FILES or digest != _digest(name):
        abort(404)
    reply = send_file(_VENDOR_FILES[name], mimetype="text/javascript", max_age=_YEAR_SECONDS)
    reply.cache_control.immutable = True
    return reply


@blueprint.app_template_global()
def vendor_url(name: str) -> str:
    return url_for("pages.vendor", digest=_digest(name), name=name)


@cache
def _digest(name: str) -> str:
    """`missing` before `npm ci` has run: the pages then show tables instead of charts."""
    paths = [_VENDOR_FILES[part] for part in _BUNDLES.get(name, (name,))]
    if not all(path.is_file() for path in paths):
        return "missing"
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


@blueprint.after_request
def guard(response: Response) -> Response:
    """The results' addresses carry ids: no other site may learn them, frame the pages or add code to them."""
    extras = EXTRAS.get(request.endpoint or "", NO_EXTRAS)
    response.headers["Content-Security-Policy"] = content_security_policy(request.host, extras.content)
    response.headers["Permissions-Policy"] = permissions_policy(extras.permissions)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.cache_control.no_cache = True
        return compress(response)
    return response


def content_security_policy(host: str, extra: Mapping[str, str]) -> str:
    """The policy of all pages with one page's additions; a directive whose sources were 'none' has only the added."""
    directives = {**_CONTENT, "connect-src": f"'self'{_socket_sources(host)}"}
    for name, sources in extra.items():
        known = directives.get(name, "'none'")
        directives[name] = sources if known == "'none'" else f"{known} {sources}"
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def permissions_policy(extra: Mapping[str, str]) -> str:
    """The features that no page may use, but for those that one page names."""
    return ", ".join(f"{feature}={allowed}" for feature, allowed in {**_PERMISSIONS, **extra}.items())


def _socket_sources(host: str) -> str:
    # 'self' covers sockets in today's browsers only; older Safari wants them spelled out.
    return f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
