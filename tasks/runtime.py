"""What a worker process, or the poller, works with: stores, tools, its lease."""

from dataclasses import dataclass

import httpx
from celery import Celery, signals
from celery.worker import WorkController

from core.clock import clock
from core.logs import get_logger
from core.names import ProcessKind, Queue
from core.networks import AllowedAddresses
from core.settings import Settings
from services.collection.files_import import FileImporter, RetryPolicy
from services.collection.paid_calls import PaidCalls
from services.collection.step_tools import Tools
from services.delivery.task_sender import TaskSender
from services.journey.web_push.messages import PushKey, contact_of
from services.journey.web_push.sending import WebPushSender
from services.processes.leases import ProcessLeaseHolder
from services.stores import Stores, build_stores
from spool import open_spool
from tasks.app import app, settings
from tasks.consumer import consumed_queues
from tasks.opening import require_direct_database
from tasks.starting import ends_worker
from tasks.stopping import wait_for
from upstream.emr.client import EmrClient
from upstream.http.exchange import open_http
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient, Timeouts

log = get_logger(__name__)

_KEPT_TO_PUSH_SERVICES = 8


@dataclass
class Runtime:
    """Belongs to one process."""

    stores: Stores
    tools: Tools
    lease: ProcessLeaseHolder
    emr: EmrClient | None
    webhooks_http: httpx.Client
    web_push: WebPushSender | None

    def close(self) -> None:
        self.lease.stop()
        if self.emr is not None:
            self.emr.close()
        self.webhooks_http.close()
        if self.web_push is not None:
            self.web_push.http.close()
        self.tools.tilko.close()
        self.tools.mediarc.close()
        self.stores.close()


def build_runtime(settings: Settings, celery: Celery, kind: ProcessKind) -> Runtime:
    """Build everything and start renewing the lease. `kind` names the process in the table of leases."""
    stores = build_stores(settings, clock, TaskSender(celery))
    lease = ProcessLeaseHolder(stores.engine, kind, settings.processes.lease_seconds)
    lease.start()
    emr_url = settings.journey.emr_api_url
    emr = EmrClient(emr_url, http=open_http()) if emr_url else None
    of_webhooks = AllowedAddresses(settings.processes.webhook_networks)
    webhooks_http = open_http(0, settings.processes.webhook_ca_file, of_webhooks)
    web_push = build_web_push(settings, stores)
    return Runtime(stores, build_tools(settings, stores), lease, emr, webhooks_http, web_push)


def build_web_push(settings: Settings, stores: Stores) -> WebPushSender | None:
    """None where no push service is named, or the journey is off."""
    journey = settings.journey
    if not (journey.is_on and journey.push_hosts):
        return None
    contact = contact_of(settings.consents.contact, settings.web.allowed_origins)
    if contact is None:  # Apple's push service takes nothing without one
        log.warning("web_push_without_contact", settings="WELNO_CONTROLLER_CONTACT, WELNO_ALLOWED_ORIGINS")
    return WebPushSender(
        unit_of_work=stores.unit_of_work,
        http=open_http(
            _KEPT_TO_PUSH_SERVICES, journey.push_ca_file, AllowedAddresses(settings.processes.webhook_networks)
        ),
        subscriptions=stores.web_push,
        hosts=journey.push_hosts,
        key=PushKey(journey.push_key),
        contact=contact,
        clock=stores.clock,
    )


def build_tools(settings: Settings, stores: Stores) -> Tools:
    spool = open_spool(settings.files, stores.sealer, clock)
    spool.ensure_folders()
    timeouts = Timeouts(
        checkups_seconds=settings.providers.tilko_checkups_timeout_seconds,
        treatments_seconds=settings.providers.tilko_treatments_timeout_seconds,
    )
    http = open_http()
    return Tools(
        settings=settings,
        clock=clock,
        sealer=stores.sealer,
        sessions=stores.sessions,
        spool=spool,
        calls=PaidCalls(spool, stores.unit_of_work, clock, settings.collection.call_margin_seconds),
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
    """This worker process' own, for all of its threads."""
    if _current is None:
        raise AssertionError("built before the first task")
    return _current


@signals.worker_init.connect
@ends_worker
def _look_at_database(**_: object) -> None:
    require_direct_database()


@signals.worker_init.connect
@ends_worker
def _build_at_start(sender: WorkController, **_: object) -> None:
    global _current  # noqa: PLW0603 one per process, by nature
    if consumed_queues(sender) == {Queue.INTERVIEWS}:  # it has a runtime of its own
        return
    _current = build_runtime(settings, app, ProcessKind.WORKER)
    wait_for(lambda: bool(runtime().tools.calls.under_way))


@signals.worker_shutdown.connect
def _close_at_end(**_: object) -> None:
    if _current is not None:
        _current.close()
