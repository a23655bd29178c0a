"""What the tests of several rooms share: apps, as making one takes longer than most tests do, and cheap passwords."""

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask

from core.settings import Settings
from services.accounts import hashing
from webapp import create_app
from webapp.current import parts

# The least that Argon2 takes.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
AppOf = Callable[[Settings], Flask]


@pytest.fixture(scope="package", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """The same algorithm: at its real cost it took most of the time of the tests that sign somebody in. That it is the
    real one elsewhere is for tests/unit/services/test_password_hashes.py."""
    with pytest.MonkeyPatch.context() as cheap:
        cheap.setattr(hashing, "_ARGON2", _CHEAP)
        yield


@pytest.fixture(scope="session")
def app_of() -> Iterator[AppOf]:
    """The app with these settings, made once."""
    made: list[tuple[Settings, Flask]] = []

    def find_or_make(settings: Settings) -> Flask:
        for known, app in made:
            if known == settings:
                return app
        made.append((settings, create_app(settings)))
        return made[-1][1]

    yield find_or_make
    for _, app in made:
        parts(app).close()
