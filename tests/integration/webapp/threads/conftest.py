"""A nurse who owns a thread, a patient in it, and a doctor who is not."""

import pytest
from flask import Flask

from tests.integration.webapp.journey.staff import staff_headers
from tests.integration.webapp.people import Person

from .members import Member, Talk, begin_talk


@pytest.fixture
def nurse(app: Flask) -> Member:
    return Member(app.test_client(use_cookies=False), staff_headers(app))


@pytest.fixture
def doctor(app: Flask) -> Member:
    return Member(app.test_client(use_cookies=False), staff_headers(app))


@pytest.fixture
def patient(owner: Person) -> Member:
    """By the session that identified them."""
    return Member(owner.client, owner.bearer)


@pytest.fixture
def talk(nurse: Member, patient: Member) -> Talk:
    return begin_talk(nurse, patient)
