"""Flower behind a check of Host and Origin: `python -m tasks.processes.flower`, with Flower's own options after it.

Flower looks at Origin only where it asks for a password, and at Host never. Without this a page of any site, open in
the browser of somebody who can reach it, may stop workers, or read all there is under a name of its own.
"""

import errno
import sys
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import flower.command
from flower.app import Flower
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from tasks.app import app, settings

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class RefusedHandler(RequestHandler):
    """Answers 403, whatever was asked."""

    def prepare(self) -> None:
        self.set_status(403)
        self.finish("This address, or the page that asks, is not listed in WELNO_FLOWER_ORIGINS.")


class GuardedFlower(Flower):  # type: ignore[misc] # it has no types
    """Answers only under names of this machine or listed ones, and only to pages that it has served itself."""

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        listed = settings.processes.flower_origins
        if is_admitted(request.host, request.headers.get("Origin"), listed):
            return super().find_handler(request, **options)
        return self.get_handler_delegate(request, RefusedHandler)


def is_admitted(host: str, origin: str | None, listed: Collection[str]) -> bool:
    """`host` and `origin` as the headers have them; a browser that only opens an address sends no Origin."""
    is_known = _name_of(host) in _THIS_MACHINE or host in {urlsplit(one).netloc for one in listed}
    return is_known and (origin is None or origin in {*listed, f"http://{host}", f"https://{host}"})


def _name_of(host: str) -> str | None:
    """Without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def main() -> None:
    flower.command.Flower = GuardedFlower
    try:
        app.start(["flower", *sys.argv[1:]])
    except OSError as exc:
        if exc.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
            raise
        sys.exit(f"flower: cannot listen there: {exc.strerror}")


if __name__ == "__main__":
    main()
