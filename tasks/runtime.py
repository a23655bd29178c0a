"""What a worker process, or the poller, works with: stores, tools, its lease. Built after the fork."""

from dataclasses import dataclass

from celery import Celery, signals
from sqlalchemy.orm import configure_mappers

from core.clock import clock
from core.logs import get_logger
from core.names import ProcessKind
from core.settings import Settings
from services.collection.files_import import FileImporter, RetryPolicy
from services.collection.step_tools import Tools
from services.delivery.task_sender import TaskSender
from services.processes.leases import ProcessLeaseHolder, ProviderGate
from services.stores import Stores, build_stores
from spool import Spool
from tasks.app import app, settings
from tasks.opening import require_direct_database
from upstream.http.exchange import open_http
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient, Timeouts

log = get_logger(__name__)


@dataclass
class Runtime:
    """Belongs to one process."""

    stores: Stores
    tools: Tools
    lease: ProcessLeaseHolder
    gate: ProviderGate

    def close(self) -> None:
        self.lease.stop()
        self.tools.tilko.close()
        self.tools.mediarc.close()
        self.stores.close()


def build_runtime(settings: Settings, celery: Celery, kind: str) -> Runtime:
    """Build everything and start renewing the lease. Call after the fork: connections do not survive one.

    `kind` names the process in the table of leases.
    """
    stores = build_stores(settings, clock, TaskSender(celery))
    lease = ProcessLeaseHolder(stores.engine, kind, settings.processes.lease_seconds)
    lease.start()
    gate = ProviderGate(lease)
    return Runtime(stores, build_tools(settings, stores, gate), lease, gate)


def build_tools(settings: Settings, stores: Stores, gate: ProviderGate | None = None) -> Tools:
    """With the gate, no provider is asked under a lease that was lost; without it, the caller holds none."""
    spool = Spool(settings.files.data_dir, stores.sealer, clock)
    spool.ensure_folders()
    timeouts = Timeouts(
        checkups_seconds=settings.providers.tilko_checkups_timeout_seconds,
        treatments_seconds=settings.providers.tilko_treatments_timeout_seconds,
    )
    http = open_http()
    if gate is not None:
        http.event_hooks["request"].append(gate)
    return Tools(
        settings=settings,
        clock=clock,
        sealer=stores.sealer,
        sessions=stores.sessions,
        spool=spool,
        importer=FileImporter(spool, stores.sessions, clock, RetryPolicy(settings.files.retry_delays_seconds)),
        tilko=TilkoClient(
            settings.providers.tilko_base_url, settings.providers.tilko_api_key, timeouts=timeouts, http=http
        ),
        mediarc=MediarcClient(
            settings.providers.mediarc_api_url,
            settings.providers.mediarc_api_key,
            timeout_seconds=settings.providers.mediarc_timeout_seconds,
            http=http,
        ),
    )


_current: Runtime | None = None


def runtime() -> Runtime:
    """This worker process' own. Solo and thread pools send no signal at their start: then it is built on first use."""
    global _current  # noqa: PLW0603 one per process, by nature
    if _current is None:
        _current = build_runtime(settings, app, ProcessKind.WORKER)
    return _current


@signals.worker_init.connect
def _look_at_database(**_: object) -> None:
    """In the main process: a child that ends at its start would be replaced for ever."""
    require_direct_database()


@signals.worker_init.connect
def prepare_fork(**_: object) -> None:
    """In the main process: have everything imported, mapped and read that children then share, so that one that takes
    a dead one's place is at work sooner. No connection is opened."""
    configure_mappers()
    stores = build_stores(settings, clock, TaskSender(app))
    stores.close()
    open_http().close()


@signals.worker_process_init.connect
def _build_at_start(**_: object) -> None:
    runtime()


@signals.worker_process_shutdown.connect
def _close_at_end(**_: object) -> None:
    if _current is not None:
        _current.close()
