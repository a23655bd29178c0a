"""Files of the pages on their way: compressed once, and named early, so that none waits for the one that imports it."""

import gzip
import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from flask import Flask, Response, request, url_for
from markupsafe import Markup

from webapp.compression import WORTH_BYTES, takes_gzip
from webapp.offloop import run_off_loop

_ENDPOINTS = frozenset({"static", "pages.vendor"})
_TEXTS = frozenset({"text/javascript", "text/css", "image/svg+xml", "application/json", "application/manifest+json"})
_OF_DOWNLOADS = ("Content-Disposition", "Last-Modified")
# As each file is compressed once in a process's life.
_LEVEL = 9
_STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";', re.MULTILINE)


def serve_static_files(app: Flask) -> None:
    app.after_request(_compress)
    app.jinja_env.globals["module_preloads"] = lambda name: _link_modules(Path(app.static_folder or ""), name)


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
def _link_modules(folder: Path, name: str) -> Markup:
    """Else each level of imports would cost a round trip."""
    link = Markup('<link rel="modulepreload" href="{}">')
    return Markup("\n  ").join(link.format(url_for("static", filename=one)) for one in list_modules(folder, name))


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
