"""Runs at the level of the services: real stores, no Celery, and a walk to any step by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis

from core.clock import clock
from core.names import Step
from dev.local.postgres import EmbeddedPostgres
from services.collection.files_import import FileImporter
from services.collection.paid_calls import PaidCalls
from services.collection.reports import MadeReport
from services.collection.run_engine import claim_run, finish_step, record_approval
from services.collection.step import Claim
from services.collection.step_tools import Tools
from services.collection.waiting import take_waiting
from services.delivery.unit_of_work import TaskCall
from services.processes.leases import ProcessLeaseHolder
from spool import Spool
from tests.stacks import create_database
from tests.tables import delete_all_rows
from upstream.mediarc.answers import ReportAnswer
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient
from upstream.tilko.codec import AuthTokens

from .driver import REPORT, Driver, make_identity

OWNER = 999_001  # a process that has no lease, so whatever it holds is taken for a dead one's
WORKER_STEPS = [step for step in Step if step != Step.POLL_SIMPLE_AUTH]
TOKENS = AuthTokens("cx-invented", "0", "req-tx", "token", "tx")
MADE = ReportAnswer(
    mkt_uuid="m-1",
    report_url="https://reports.example/1.pdf",
    bodyage=38,
    rank=15,
    analyzed_at=None,
    provider="twobecon",
    diseases=[],
    cancers=[],
    raw={},
)
RESULTS: dict[Step, Any] = {
    Step.REQUEST_SIMPLE_AUTH: TOKENS,
    Step.FETCH_HEALTH_DATA: 2,
    Step.FETCH_PRESCRIPTIONS: 3,
    Step.SAVE_FILES: frozenset(),
    Step.IMPORT_FILES: frozenset(),
    Step.MAKE_REPORT: MadeReport(MADE, None),
}


# Opening one reads all certificates there are; here nobody is called.
_open_tilko, _open_mediarc = cache(TilkoClient), cache(MediarcClient)


@dataclass
class World(Driver):
    """The driver, and the hands of a worker and a poller."""

    env: dict[str, str]
    calls: list[TaskCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.env, self.calls.append)
        settings, stores = self.settings, self.stores
        spool = Spool(settings.files.data_dir, stores.sealer, clock)
        spool.ensure_folders()
        self.tools = Tools(
            settings=settings,
            clock=clock,
            sealer=stores.sealer,
            sessions=stores.sessions,
            spool=spool,
            calls=PaidCalls(spool, stores.unit_of_work, clock, settings.collection.call_margin_seconds),
            importer=FileImporter(spool, stores.sessions, clock),
            tilko=_open_tilko(settings.providers.tilko_base_url, settings.providers.tilko_api_key),
            mediarc=_open_mediarc(settings.providers.mediarc_api_url, settings.providers.mediarc_api_key),
        )

    def unit(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call a service in a transaction of its own."""
        with self.stores.unit_of_work() as work:
            return function(work, *args, **named)

    def claim(self, session_id: str, step: Step, owner_id: int = OWNER) -> Claim | None:
        claim: Claim | None = self.unit(claim_run, UUID(session_id), step, owner_id=owner_id, tools=self.tools)
        return claim

    def finish(self, claim: Claim, result: Any = None) -> Claim | None:
        following: Claim | None = self.unit(finish_step, claim, result or RESULTS.get(claim.step), self.tools)
        return following

    def asked(self) -> str:
        """A session whose push has been asked for, and is READY for a worker."""
        session_id = self.start(make_identity(), redirect_path=REPORT)
        self.ask_auth(session_id)
        return session_id

    def waiting(self) -> tuple[str, Claim]:
        """A session that waits for its phone, in a poller's hands."""
        session_id = self.asked()
        claim = self.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
        assert claim is not None
        self.finish(claim)
        taken = self.unit(take_waiting, OWNER, self.tools, 1000)
        return session_id, next(one.claim for one in taken if str(one.claim.session_id) == session_id)

    def at(self, step: Step) -> tuple[str, Claim]:
        """A session that a worker holds at this step."""
        if step == Step.REQUEST_SIMPLE_AUTH:
            session_id = self.asked()
            claim = self.claim(session_id, step)
        else:
            session_id, polled = self.waiting()
            self.unit(record_approval, polled, None, self.tools)
            claim = self.claim(session_id, Step.FETCH_HEALTH_DATA)
            while claim is not None and claim.step != step:
                claim = self.finish(claim)
        assert claim is not None
        return session_id, claim


@pytest.fixture(scope="session")
def own_database_url(empty_postgres: EmbeddedPostgres) -> str:
    """A database of our own on the common server: sweeps look at every run there is."""
    return create_database(empty_postgres, "collection_runs")


@pytest.fixture
def world_env(demo_env: dict[str, str], own_database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **demo_env,
        "DATABASE_URL": own_database_url,
        "TILKO_DATA_DIR": str(tmp_path),
        "WELNO_STEP_MAX_ATTEMPTS": "3",
        "WELNO_FILE_RETRY_DELAYS_SECONDS": "60,600",
        "WELNO_DATABASE_POOL_SIZE": "10",
    }


@pytest.fixture
def world(world_env: dict[str, str], redis_client: redis.Redis) -> Iterator[World]:
    with World(world_env) as world:
        yield world
        with world.stores.engine.begin() as connection:
            delete_all_rows(connection)


@pytest.fixture
def held_lease(world: World) -> Iterator[int]:
    """The id of a process that lives."""
    holder = ProcessLeaseHolder(world.stores.engine, "worker", 30)
    holder.start()
    held = holder.wait_until_held(5)
    assert held is not None
    yield held
    holder.stop()
