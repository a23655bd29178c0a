"""Two companies on the app's stores: an admin, an editor, a viewer of a project, and a stranger to it."""

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.integration.interviews.company import PASSWORD, World, build_world, fill_every_table
from webapp.current import parts

from .members import Member, arrive_member


@pytest.fixture(scope="session")
def password_hashes() -> dict[str, str]:
    return {}


@pytest.fixture
def world(app: Flask, engine: Engine, password_hashes: dict[str, str]) -> World:
    """`food` has no interview; `secret`, another company's, has one."""
    hashes = parts(app).stores.password_hashes
    password_hash = password_hashes.setdefault("hash", hashes.hash(PASSWORD))
    with Session(engine, expire_on_commit=False) as session, session.begin():
        made = build_world(session, password_hash)
        fill_every_table(session, made, made.secret, "sora")
    return made


@pytest.fixture
def mina(app: Flask, world: World) -> Member:
    """Admin."""
    del world
    return arrive_member(app, "mina")


@pytest.fixture
def jun(app: Flask, world: World) -> Member:
    """Editor."""
    del world
    return arrive_member(app, "jun")


@pytest.fixture
def vera(app: Flask, world: World) -> Member:
    """Viewer."""
    del world
    return arrive_member(app, "vera")


@pytest.fixture
def sora(app: Flask, world: World) -> Member:
    """Of the other company."""
    del world
    return arrive_member(app, "sora")
