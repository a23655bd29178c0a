"""Files of the pages on their way: compressed once, named early, so that none waits for the one that imports it, and
kept by browsers under addresses that change with any of them."""

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from flask import Flask, Response, request, url_for
from markupsafe import Markup

from webapp.compression import WORTH_BYTES, takes_gzip
from webapp.offloop import run_off_loop

_ENDPOINTS = frozenset({"static", "pages.vendor"})
_TEXTS = frozenset({"text/javascript", "text/css", "image/svg+xml", "application/json", "application/manifest+json"})
_OF_DOWNLOADS = ("Content-Disposition", "Last-Modified")
# As each file is compressed once in a process's life.
_LEVEL = 9
_YEAR_SECONDS = 365 * 86_400
_VERSION = re.compile(r"[0-9a-f]{16}", re.ASCII)
_STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";', re.MULTILINE)


def serve_static_files(app: Flask) -> None:
    """Let `url_for("static", ...)` give addresses with the version of all static files, kept for a year.

    Modules import one another by relative addresses, and so stay in their page's version. `/static/<path>` without one
    is for other people's pages, which cannot know it: there a browser asks each time whether the file has changed.
    """
    folder = Path(app.static_folder or "")
    version = _version_of(folder)

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = f"{version}/{values['filename']}"

    def send(filename: str) -> Response:
        asked, _, name = filename.partition("/")
        if not _VERSION.fullmatch(asked):
            return app.send_static_file(filename)
        response = app.send_static_file(name)
        if asked == version:
            response.cache_control.no_cache = None
            response.cache_control.public = True
            response.cache_control.max_age = _YEAR_SECONDS
            response.cache_control.immutable = True
        # Else, in the middle of a deployment, it is another version's file: for now, and not to be kept.
        return response

    app.after_request(_compress)
    app.url_defaults(add_version)
    app.view_functions["static"] = send
    app.jinja_env.globals |= {
        "page_module": lambda name, worker=None: _link_module(folder, name, worker),
    }


@cache
def _version_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def list_modules(folder: Path, name: str) -> list[str]:
    """All that a module imports by a static import, and they in turn, nearest first; names are below `folder`."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        importer = waiting.pop(0)
        for match in _STATIC_IMPORT.finditer((folder / importer).read_text()):
            imported = normpath(join(dirname(importer), match[1] or match[2]))
            if imported not in found and imported != name:
                found.append(imported)
                waiting.append(imported)
    return found


@cache
def _link_module(folder: Path, name: str, worker: str | None) -> Markup:
    """A page's module, and what it imports named before it: else each level of imports would cost a round trip. And
    what its Worker imports, which begins with the page."""
    of_worker = [worker, *list_modules(folder, worker)] if worker else []
    link = Markup('<link rel="modulepreload" href="{}">')
    links = [
        link.format(url_for("static", filename=one)) for one in dict.fromkeys([*of_worker, *list_modules(folder, name)])
    ]
    script = Markup('<script type="module" src="{}"></script>').format(url_for("static", filename=name))
    return Markup("\n  ").join([*links, script])


def _compress(response: Response) -> Response:
    if request.endpoint not in _ENDPOINTS or response.mimetype not in _TEXTS:
        return response
    response.vary.add("Accept-Encoding")
    for name in _OF_DOWNLOADS:  # a page has dozens of files, and the tag says all that these would
        response.headers.pop(name, None)
    etag, _ = response.get_etag()
    if response.status_code != 200 or etag is None or not takes_gzip():
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) >= WORTH_BYTES:
        response.set_data(run_off_loop(_compressed, etag, body))
        response.headers["Content-Encoding"] = "gzip"
        # Both forms are the same file: a weak tag is equal to the one that Flask compares with.
        response.set_etag(etag, weak=True)
    return response


_known: dict[str, bytes] = {}


def _compressed(etag: str, body: bytes) -> bytes:
    """By the file's tag, which changes with it: as many as there are files."""
    if etag not in _known:
        _known[etag] = gzip.compress(body, _LEVEL)
    return _known[etag]
