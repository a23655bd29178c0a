"""The app on real stores, the three people, and a clean slate after each test."""

import io
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from sqlalchemy import Engine

from core.logs import configure_logs
from core.settings import Settings
from tests.integration.conftest import AppOf
from tests.integration.services.conftest import checkup, treatment
from tests.tables import delete_all_rows
from webapp.auth import Role
from webapp.current import parts
from webapp.staff_token import make_token

from .people import ORIGIN, Person, arrive, collect, stranger
from .server import Server


@pytest.fixture
def web_settings(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Settings:
    """The same for all, so that they share an app."""
    spool = server_home / "web_spool"
    changes = {
        "WELNO_ALLOWED_ORIGINS": ORIGIN,
        "TILKO_DATA_DIR": str(spool),
        "WELNO_FLOWER_ORIGINS": "",
        "WELNO_BODY_LIMIT": "100000 per minute",  # invented calls come by the thousand
        "WELNO_PASSWORD_LIMIT": "8 per hour",
    }
    return Settings.read({**demo_env, "DATABASE_URL": postgres_url, **changes})


@pytest.fixture
def app(app_of: AppOf, web_settings: Settings, engine: Engine, redis_client: redis.Redis) -> Iterator[Flask]:
    """With empty stores."""
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    made = app_of(web_settings)
    configure_logs(web_settings.processes.log_level, "web")
    parts(made).spool.ensure_folders()
    yield made
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)
    shutil.rmtree(web_settings.files.data_dir)
    with engine.begin() as connection:
        delete_all_rows(connection)


@pytest.fixture(scope="module")
def server(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Iterator[Server]:
    with Server(demo_env, server_home / "web.log") as started:
        yield started


@pytest.fixture
def owner(app: Flask) -> Person:
    """Has collected two checkups and a treatment."""
    person = arrive(app)
    collect(app, person, [checkup(), checkup("2024년", "03/02")], [treatment()])
    return person


@pytest.fixture
def colleague(app: Flask) -> Person:
    """Has a session and records too, but not these."""
    person = arrive(app, user_name="박바다", phone_no="01087654321", birthdate="19790102", gender="F")
    collect(app, person, [checkup()], [])
    return person


@pytest.fixture
def visitor(app: Flask) -> Person:
    return stranger(app)


@pytest.fixture
def starter(app: Flask) -> Person:
    """Has only just started."""
    return arrive(app)


@pytest.fixture
def new_staff(app: Flask) -> Callable[[], dict[str, str]]:
    """Another token of the same member of staff each time."""

    def make() -> dict[str, str]:
        with app.app_context():
            return {"Authorization": f"Bearer {make_token('op-1', 1, Role.OPERATOR)}"}

    return make


@pytest.fixture
def staff(new_staff: Callable[[], dict[str, str]]) -> dict[str, str]:
    return new_staff()


@pytest.fixture
def logged(app: Flask) -> io.StringIO:
    """What the app writes to its log from now on."""
    handler, written = logging.getLogger().handlers[0], io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    return written
