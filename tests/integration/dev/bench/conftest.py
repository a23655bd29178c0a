"""The benches' stacks start on copies of the tests' migrated home."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.bench.temporary_stack import MIGRATED_HOME


@pytest.fixture(scope="package", autouse=True)
def _start_on_copies(migrated_home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(MIGRATED_HOME, str(migrated_home))
        yield
