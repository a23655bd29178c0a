"""A primary and its replica for each test: none is left as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_pair import PostgresPair, postgres_pair


@pytest.fixture
def pair(migrated_home: Path) -> Iterator[PostgresPair]:
    with postgres_pair(migrated_home) as pair:
        yield pair
