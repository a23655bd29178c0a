"""For machines that watch: alive, ready, and the metrics."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.logs import get_logger
from core.names import CANARY_KEY
from services.stores import Stores
from webapp.auth import mark_access, require_staff
from webapp.current import stores
from webapp.observing import render_metrics

log = get_logger(__name__)
blueprint = Blueprint("health", __name__)
_ROOT = Path(__file__).resolve().parents[2]
_MISSED_CANARIES = 3
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Everything that a request needs is there, and a worker has answered lately."""
    parts = check_parts(stores())
    ready = all(part == "ok" for part in parts.values())
    return jsonify({"status": "ok" if ready else "unavailable", "parts": parts}), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """For this machine, or with a staff token: numbers tell a stranger how busy we are."""
    behind_proxy = request.headers.get("X-Forwarded-For") is not None
    if request.remote_addr not in _LOOPBACK or behind_proxy:
        require_staff()
    return Response(render_metrics(stores().settings.processes.metrics_dir), content_type=CONTENT_TYPE_LATEST)


for _function in (healthz, readyz):
    mark_access(_function, "public")
mark_access(metrics, "loopback or staff")


def check_parts(here: Stores) -> Mapping[str, str]:
    checks: dict[str, Callable[[Stores], str]] = {
        "postgresql": _check_database,
        "migrations": _check_migrations,
        "redis": _check_redis,
        "worker": _check_worker,
    }
    return {name: _guard(name, check, here) for name, check in checks.items()}


def _guard(name: str, check: Callable[[Stores], str], here: Stores) -> str:
    try:
        return check(here)
    except (SQLAlchemyError, RedisError) as exc:
        log.warning("not_ready", part=name, error=type(exc).__name__)
        return "unreachable"


def _check_database(here: Stores) -> str:
    with here.engine.connect() as connection:
        connection.execute(text("select 1"))
    return "ok"


def _check_migrations(here: Stores) -> str:
    with here.engine.connect() as connection:
        found = set(connection.execute(text("select version_num from public.alembic_version")).scalars())
    return "not at the head" if is_behind(found) else "ok"


def is_behind(found: set[str]) -> bool:
    """A revision that this code does not know is newer than it: each migration works with the code before it, so
    while a deployment replaces us one by one, we stay ready."""
    known, heads = _revisions()
    return not found or bool((found & known) - heads)


def _check_redis(here: Stores) -> str:
    here.redis.ping()
    return "ok"


def _check_worker(here: Stores) -> str:
    seen: Any = here.redis.get(CANARY_KEY)
    with suppress(ValueError):
        age = here.clock.now() - datetime.fromisoformat((seen or b"").decode())
        if age.total_seconds() <= here.settings.processes.canary_interval_seconds * _MISSED_CANARIES:
            return "ok"
    return "silent"


@cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """All that this code knows, and the newest of them."""
    config = Config(str(_ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(_ROOT / "alembic"))
    scripts = ScriptDirectory.from_config(config)
    return frozenset(one.revision for one in scripts.walk_revisions()), frozenset(scripts.get_heads())
