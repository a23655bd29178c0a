"""A hospital whose rows are gone with the test, and stores for what must commit."""

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.clock import clock
from core.settings import Settings
from services.stores import Stores, build_stores
from tests.integration.services.journey.hospital import Hospital
from tests.tables import delete_all_rows


@pytest.fixture
def hospital(db_session: Session) -> Hospital:
    return Hospital(db_session)


@pytest.fixture
def stores(demo_env: dict[str, str], engine: Engine, redis_client: redis.Redis) -> Iterator[Stores]:
    """Real ones, empty; nobody sends tasks."""
    built = build_stores(Settings.read(demo_env), clock, lambda _: True)
    yield built
    built.close()
    with engine.begin() as connection:
        delete_all_rows(connection)
