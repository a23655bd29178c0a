"""Tests that repeat themselves: `make test` does a share of it, `make fuzz` all of it."""

import pytest
from hypothesis import HealthCheck, settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="do all repetitions of the tests marked `repeated`")


@pytest.fixture(scope="session")
def is_full(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--full"))


def bound_examples(*, is_full: bool, share: int, whole: int) -> settings:
    """For one operation of the API. The share invents the same calls each time, the whole new ones."""
    return settings(
        max_examples=whole if is_full else share,
        deadline=None,
        database=None,
        derandomize=not is_full,
        suppress_health_check=list(HealthCheck),
    )
