"""Two companies in a database, and a clean slate afterwards."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.tables import delete_all_rows

from .company import World, build_world, fill_every_table


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    """Each project has an interview."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        made = build_world(session)
        for project, author in ((made.food, "mina"), (made.secret, "sora")):
            fill_every_table(session, made, project, author)
    yield made
    with engine.begin() as connection:
        delete_all_rows(connection)
