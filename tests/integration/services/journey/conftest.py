"""A hospital whose rows are gone with the test."""

import pytest
from sqlalchemy.orm import Session

from tests.integration.services.journey.hospital import Hospital


@pytest.fixture
def hospital(db_session: Session) -> Hospital:
    return Hospital(db_session)
