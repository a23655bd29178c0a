"""No logger of the tests' own process is cached: it would keep the processors of the first test that used it, and what
it logs in a later one could not be captured there."""

from typing import Any

import structlog

_configure = structlog.configure


def pytest_configure() -> None:
    structlog.configure = _configure_without_cache


def _configure_without_cache(**options: Any) -> None:
    _configure(**options | {"cache_logger_on_first_use": False})
