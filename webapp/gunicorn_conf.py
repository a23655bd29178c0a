"""gunicorn's settings: one gevent loop per process, cooperative from its first import. `--bind` says where."""

# Before anything else is imported: what has taken the blocking socket once keeps it.
from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402

# What is imported stays: to look for what of it may go, again and again, took a third of the CPU time of a start.
gc.disable()

from psycogreen.gevent import patch_psycopg  # noqa: E402

patch_psycopg()

import sys  # noqa: E402
from dataclasses import asdict  # noqa: E402
from typing import Any  # noqa: E402

from gunicorn.glogging import Logger  # noqa: E402

from core.logs import configure_logs, get_logger  # noqa: E402
from core.settings import load_settings  # noqa: E402
from webapp.addresses import is_beyond_this_machine  # noqa: E402
from webapp.connections import TooFewFilesError, fit_capacity, raise_open_files  # noqa: E402

# Before the metrics are made, which need their folder.
settings = load_settings()
try:
    capacity = fit_capacity(settings, raise_open_files())
except TooFewFilesError as exc:
    sys.exit(str(exc))

log = get_logger(__name__)

from services.database import connect_database, find_unsuitable  # noqa: E402
from webapp.current import parts  # noqa: E402
from webapp.gunicorn_worker import BoundedWorker  # noqa: E402
from webapp.live_metrics import forget_dead, join_metrics  # noqa: E402
from webapp.relay.draining import drain_at_exit, drain_when_stopped  # noqa: E402

gc.freeze()
gc.enable()


class PlainLogger(Logger):  # type: ignore[misc] # the library has no types
    """Through our own renderer, and without an access log: observing.py writes one line per request."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        configure_logs(settings.processes.log_level, "web")
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.access_log.disabled = True


# Without `--bind`: left alone, gunicorn would take the variable PORT for a wish to listen on every address.
bind = "127.0.0.1:8000"
logger_class = PlainLogger
accesslog = None
worker_class = BoundedWorker
# Requests under way and SSE; WebSockets leave gunicorn and count elsewhere (WELNO_SOCKETS_TOTAL).
worker_connections = capacity.connections
# One deadline for a head that comes byte by byte, for a connection that asks nothing and for the pause between two
# requests: gunicorn runs it until the head is complete, however many bytes arrive meanwhile.
keepalive = settings.web.handshake_within_seconds
timeout = 30
# Everything has to be gone 10 s after SIGTERM, also where the last 0.5 s of CPU time take longer.
graceful_timeout = 4
# gunicorn's control socket that nobody here uses; its file would be shared by all web processes of a user.
control_socket_disable = True
max_requests = 0
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190


# Sockets live long and hold no rings, and the collector walks all of them again and again: at its own pace it took a
# seventh of every handshake in a rush.
_RARELY = (5_000, 5, 100)


def on_starting(server: Any) -> None:
    """Before the fork, and on connections of its own."""
    engine = connect_database(settings.stores.database_url, pool_size=1)
    reason = find_unsuitable(engine)
    engine.dispose()
    if reason:
        sys.exit(f"settings: DATABASE_URL: {reason}")
    _require_proxy(server)
    _tell_what_is_missing()


def _tell_what_is_missing() -> None:
    """Everything else works without."""
    miso = settings.interviews
    needed = {"MISO_API_URL": miso.miso_api_url, "MISO_AGENT_API_KEY": miso.miso_agent_api_key}
    if missing := [name for name, value in needed.items() if not value]:
        log.warning("chat_not_configured", missing=missing)


def _require_proxy(server: Any) -> None:
    """Say that we speak no TLS: health records leave this machine encrypted, or not at all."""
    bound = [address for address in server.cfg.address if is_beyond_this_machine(address)]
    tell = log.warning if bound or not settings.web.trusted_proxies else log.info
    tell(
        "plain_http",
        needs="a reverse proxy with TLS in front (docs/examples/nginx.conf), counted in WELNO_TRUSTED_PROXIES",
        listens_beyond_this_machine=bool(bound),
    )


def post_fork(_server: Any, _worker: Any) -> None:
    if settings.processes.metrics_dir:
        join_metrics(settings.processes.metrics_dir)


def post_worker_init(worker: Any) -> None:
    worker.bind(capacity)
    if capacity.connections < settings.web.connections_total:
        log.warning("open_files_limit_is_low", **asdict(capacity))
    gc.freeze()
    gc.set_threshold(*_RARELY)
    drain_when_stopped(worker, parts(worker.wsgi).relay)


def worker_exit(_server: Any, worker: Any) -> None:
    if worker.wsgi is not None:
        drain_at_exit(parts(worker.wsgi).relay)


def child_exit(_server: Any, _worker: Any) -> None:
    """Also done at each look at the metrics, as nobody does this when the main process is killed."""
    if settings.processes.metrics_dir:
        forget_dead(settings.processes.metrics_dir)
