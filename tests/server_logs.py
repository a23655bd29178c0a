"""What the servers of a test wrote while it ran, told with its failure: their folders are gone when it is read."""

import gc
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from dev.local.process import Process

_LINES = 25


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:
        report.sections += [
            (f"Log of {process.name} ({process.log.name})", process.log_tail(_LINES))
            for process in _find_processes()
            if process.log.exists() and process.log.stat().st_mtime >= call.start
        ]
        report.sections.append(("When", f"failed at {datetime.now(UTC):%H:%M:%S} UTC"))
    return report


def _find_processes() -> list[Process]:
    """Those of all fixtures and of the frames of the failure; nobody else has to keep a list of them."""
    return [found for found in gc.get_objects() if type(found) is Process]
