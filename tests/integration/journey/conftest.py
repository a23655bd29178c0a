"""A hospital in a database of its own, whose transactions really commit, and its people."""

from collections.abc import Iterator

import pytest
import redis

from dev.local.postgres import EmbeddedPostgres
from tests.integration.journey.ward import MORNING, Ward
from tests.stacks import create_database
from tests.tables import delete_all_rows


@pytest.fixture(scope="session")
def ward_url(empty_postgres: EmbeddedPostgres) -> str:
    return create_database(empty_postgres, "journeys")


@pytest.fixture
def ward(demo_env: dict[str, str], ward_url: str, redis_client: redis.Redis) -> Iterator[Ward]:
    ward = Ward.open(demo_env | {"DATABASE_URL": ward_url, "WELNO_DATABASE_POOL_SIZE": "60"})
    with ward.clock.frozen(MORNING):
        ward.furnish()
        yield ward
    with ward.stores.engine.begin() as connection:
        delete_all_rows(connection)
    ward.stores.close()
