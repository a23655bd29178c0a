"""What the process of the queue `interviews` works with: stores, MISO's client, its own lease."""

from dataclasses import dataclass

from celery import signals
from celery.worker import WorkController

from core.clock import clock
from core.logs import get_logger
from core.names import ProcessKind, Queue
from core.settings import InterviewSettings, Settings
from services.delivery.task_sender import TaskSender
from services.interviews.extraction.reading import ReaderProcesses
from services.interviews.masking.masker import PatternMasker
from services.interviews.run_tools import RunTools
from services.processes.leases import ProcessLeaseHolder
from services.stores import Stores, build_stores
from spool import open_spool
from tasks.app import app, settings
from tasks.consumer import consumed_queues
from tasks.starting import ends_worker
from tasks.stopping import is_stopping, when_stopping
from upstream.miso.knowledge import MisoKnowledge
from upstream.miso.workflows import MisoWorkflows

log = get_logger(__name__)


@dataclass
class AnalystRuntime:
    """Belongs to one process."""

    stores: Stores
    tools: RunTools
    lease: ProcessLeaseHolder
    knowledge: MisoKnowledge | None

    def stop_waiting(self) -> None:
        """For a process that was told to stop."""
        self.tools.stop_waiting()
        if self.knowledge is not None:
            self.knowledge.abort_all()

    def close(self) -> None:
        self.lease.stop()
        if self.knowledge is not None:
            self.knowledge.close()
        self.tools.close()
        self.stores.close()


def build_analyst_runtime(settings: Settings) -> AnalystRuntime:
    """Build everything and start renewing the lease."""
    stores = build_stores(settings, clock, TaskSender(app))
    lease = ProcessLeaseHolder(stores.engine, ProcessKind.ANALYST, settings.processes.lease_seconds)
    lease.start()
    spool = open_spool(settings.files, stores.sealer, clock)
    spool.ensure_folders()
    tools = RunTools(
        settings=settings.interviews,
        clock=clock,
        unit_of_work=stores.unit_of_work,
        forget_stream=stores.sender.forget,
        files=spool.interviews,
        masker=PatternMasker(),
        miso=connect_miso(settings.interviews),
        readers=ReaderProcesses(),
        is_stopping=is_stopping,
    )
    return AnalystRuntime(stores, tools, lease, connect_knowledge(settings.interviews))


def connect_miso(settings: InterviewSettings) -> MisoWorkflows | None:
    if not settings.miso_api_url or not settings.miso_api_key:
        log.warning("miso_not_configured")
        return None
    return MisoWorkflows(settings.miso_api_url, settings.miso_api_key, run_seconds=settings.miso_timeout_seconds)


def connect_knowledge(settings: InterviewSettings) -> MisoKnowledge | None:
    """None without a key and a dataset."""
    url, key, dataset_id = settings.miso_api_url, settings.miso_knowledge_api_key, settings.miso_dataset_id
    return MisoKnowledge(url, key, dataset_id) if url and key and dataset_id else None


_current: AnalystRuntime | None = None


def analyst_runtime() -> AnalystRuntime:
    """This process' own, for all of its threads."""
    if _current is None:
        raise AssertionError("built before the first task")
    return _current


@signals.celeryd_init.connect
def _set_concurrency(conf: object, options: dict[str, object], **_: object) -> None:
    """Of a process for this queue alone; a command line that says otherwise wins."""
    if options.get("queues") == [Queue.INTERVIEWS]:
        conf.worker_concurrency = settings.interviews.concurrency  # type: ignore[attr-defined] # Celery has no types


@signals.worker_init.connect
@ends_worker
def _build_at_start(sender: WorkController, **_: object) -> None:
    global _current  # noqa: PLW0603 one per process, by nature
    if Queue.INTERVIEWS in consumed_queues(sender):
        _current = build_analyst_runtime(settings)
        when_stopping(_current.stop_waiting)


@signals.worker_shutdown.connect
def _close_at_end(**_: object) -> None:
    if _current is not None:
        _current.close()
