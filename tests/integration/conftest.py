"""Apps that the tests of several rooms share: making one takes longer than most tests do."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from core.settings import Settings
from webapp import create_app
from webapp.current import parts

AppOf = Callable[[Settings], Flask]


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
