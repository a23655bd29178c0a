"""A thread with a key, and a clean slate afterwards."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from sqlalchemy import Engine

from core.clock import clock
from core.settings import Settings
from services.stores import Stores, build_stores
from tests.tables import delete_all_rows

from .room import Room


@pytest.fixture
def stores(demo_env: dict[str, str], engine: Engine, redis_client: redis.Redis) -> Iterator[Stores]:
    with closing(build_stores(Settings.read(demo_env), clock, lambda _: None)) as built:
        yield built
    with engine.begin() as connection:
        delete_all_rows(connection)


@pytest.fixture
def room(stores: Stores) -> Room:
    """Its first item tells of the key."""
    return Room(stores).open()
