"""Flower behind operators' accounts: `python -m tasks.processes.flower`, with Flower's own options after it.

Whoever may use Flower may stop workers, and its own ways to ask who that is know nothing of our accounts. Each request
is therefore looked at before Flower chooses a handler for it: the name it was sent to, the page that sends it (a page
of any site, open in an operator's browser, could otherwise do as they may, or read all there is under a name of its
own), and an operator's access token, which PostgreSQL is asked about each time. It comes as a bearer token or in the
cookie that `POST /api/v1/auth/flower` sets; cookies know no ports, so Flower needs the web process' host name only.
"""

import errno
import re
import sys
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import flower.command
from flower.app import Flower
from flower.views import BaseHandler
from sqlalchemy.exc import SQLAlchemyError
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from core.logs import get_logger
from core.names import Step, Task, flower_cookie, step_task
from services.accounts.operator_tokens import OperatorRefused, OperatorTokens
from tasks.app import app, settings
from tasks.opening import open_stores

log = get_logger(__name__)

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
# Says that the process answers, and nothing else.
_PUBLIC_PATH = "/healthcheck"
# Beat's jobs come every few seconds, and would bury the runs: they are seen when the search is emptied.
_STEPS = step_task(Step.FINISH).removesuffix(Step.FINISH)
FIRST_VIEW = f"/tasks?name={quote(f'{_STEPS} OR name:{Task.RUN_INTERVIEW}')}"
# With the argument of a step, the id of its session or interview.
_COLUMNS = "name,args,state,received,runtime,worker"
_UNSAFE_PATH = re.compile(r"/api/[a-z/-]{1,60}")
_COOKIE = flower_cookie(secure=settings.web.cookie_secure)


class RefusedHandler(RequestHandler):
    """Answers with one status and one sentence, whatever was asked."""

    def initialize(self, status: int, sentence: str) -> None:
        self._status, self._sentence = status, sentence

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here."""

    def prepare(self) -> None:
        self.set_status(self._status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(self._sentence)


class FirstViewHandler(RequestHandler):
    """Leads to the steps of runs."""

    def get(self) -> None:
        self.redirect(FIRST_VIEW)


class GuardedFlower(Flower):  # type: ignore[misc] # it has no types
    """Answers only under names of this machine or listed ones, to pages that it has served itself, and to operators."""

    def __init__(self, *, options: Any, **more: Any) -> None:
        # With an `auth` of its own Flower lets its API be used, with its check against forged requests (XSRF).
        options.auth = "accounts"
        BaseHandler.get_current_user = _admitted_already
        super().__init__(options=options, **more)
        self._stores = open_stores()
        self._tokens = OperatorTokens(
            settings.secrets.jwt_secret,
            timedelta(seconds=settings.accounts.operator_idle_seconds),
            needs_second_factor=not settings.accounts.demo,
        )

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        if not is_admitted(request.host, request.headers.get("Origin"), settings.processes.flower_origins):
            return self._refuse(
                request, 403, "This name, or the page that asks, is not listed in WELNO_FLOWER_ORIGINS."
            )
        if request.path == _PUBLIC_PATH:
            return super().find_handler(request, **options)
        try:
            operator = self._require_operator(request)
        except OperatorRefused:
            return self._refuse(request, 401, "For operators: sign in at /staff/runs, and open Flower from there.")
        except SQLAlchemyError as exc:
            log.warning("flower_cannot_ask_who_it_is", error=type(exc).__name__)
            return self._refuse(request, 503, "Who asks cannot be looked up at the moment.")
        if request.method != "GET":
            _note_change(request, operator)
        if request.path == "/":
            return self.get_handler_delegate(request, FirstViewHandler)
        return super().find_handler(request, **options)

    def _require_operator(self, request: HTTPServerRequest) -> str:
        """Raises OperatorRefused, SQLAlchemyError."""
        token, is_use = presented_token(request), not is_background(request)
        with self._stores.unit_of_work() as work:
            return self._tokens.require_operator(work.session, token, is_use=is_use)

    def _refuse(self, request: HTTPServerRequest, status: int, sentence: str) -> Any:
        return self.get_handler_delegate(request, RefusedHandler, {"status": status, "sentence": sentence})


def _admitted_already(_: BaseHandler) -> str:
    """Flower's handlers ask who it is; nobody else comes as far as to them."""
    return "operator"


def presented_token(request: HTTPServerRequest) -> str:
    """Empty for none. A bearer token wins, as everywhere."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(token.strip())
    cookie = request.cookies.get(_COOKIE)
    return str(cookie.value) if cookie is not None else ""


def is_background(request: HTTPServerRequest) -> bool:
    """Flower's tables load themselves anew every few seconds, by scripts that say so."""
    return request.method == "GET" and request.headers.get("X-Requested-With") == "XMLHttpRequest"


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


def _note_change(request: HTTPServerRequest, operator: str) -> None:
    """What of the path is Flower's own: the rest is whatever somebody typed."""
    known = _UNSAFE_PATH.match(request.path)
    log.info("flower_used_to_change", by=operator, what=known[0] if known else "other")


def main() -> None:
    flower.command.Flower = GuardedFlower
    try:
        app.start(["flower", f"--tasks_columns={_COLUMNS}", *sys.argv[1:]])
    except OSError as exc:
        if exc.errno not in {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}:
            raise
        sys.exit(f"flower: cannot listen there: {exc.strerror}")


if __name__ == "__main__":
    main()
