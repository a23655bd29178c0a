"""Two companies in a database, and a clean slate afterwards; what a test needs that goes through a run's steps itself.

Of the latter the module has the fixture `analyses`."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.clock import clock
from core.names import ProcessKind
from services.interviews.extraction.reading import ReaderProcesses
from services.interviews.masking.masker import PatternMasker
from services.interviews.run_tools import RunTools
from services.processes.leases import ProcessLeaseHolder
from tests.tables import delete_all_rows
from upstream.miso.workflows import MisoWorkflows

from .analyses import Analyses
from .company import World, build_world, fill_every_table


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    """Each project has an interview."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        made = build_world(session)
        for project, author in ((made.food, "mina"), (made.secret, "sora")):
            fill_every_table(session, made, project, author)
    yield made
    with engine.begin() as connection:
        delete_all_rows(connection)


@pytest.fixture
def owner_id(analyses: Analyses) -> Iterator[int]:
    """The lease of a process that this test is; the other one sleeps."""
    analyses.stack.stop("interviews")
    lease = ProcessLeaseHolder(analyses.stores.engine, ProcessKind.ANALYST, 5)
    lease.start()
    owner_id = lease.wait_until_held(10)
    assert owner_id is not None
    yield owner_id
    lease.stop()
    analyses.stack.start("interviews")


@pytest.fixture
def tools(analyses: Analyses, owner_id: int) -> RunTools:
    del owner_id
    settings = analyses.stores.settings.interviews
    return RunTools(
        settings=settings,
        clock=clock,
        unit_of_work=analyses.stores.unit_of_work,
        forget_stream=analyses.stores.sender.forget,
        files=analyses.files,
        masker=PatternMasker(),
        miso=None,
        readers=ReaderProcesses(),
        is_stopping=lambda: False,
    )


@pytest.fixture
def miso(analyses: Analyses) -> Iterator[MisoWorkflows]:
    settings = analyses.stores.settings.interviews
    client = MisoWorkflows(settings.miso_api_url, settings.miso_api_key)
    yield client
    client.close()
