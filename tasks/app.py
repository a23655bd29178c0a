"""The Celery app: queues, routes, schedule. Messages are hints; what is to be done stands in PostgreSQL."""

from typing import Any

from celery import Celery, signals
from celery.schedules import crontab

from core.broker import BrokerAddress, register_failover_transports
from core.logs import configure_logs
from core.names import Queue, Task, task_routes
from core.settings import Settings, load_settings
from services.delivery.task_sender import SENDER_OPTIONS
from tasks.broker import FastReconnectAmqp
from tasks.failing import RedactingTask

# Beat writes by its own clock when a message expires, and a worker judges it by its own.
_HOSTS_APART_SECONDS = 600
_FORGET_EXPORTS_SECONDS = 600
_DELETE_HEALTH_LINK_FILES_SECONDS = 600
_SYNC_KNOWLEDGE_SECONDS = 15
_SWEEP_WEBHOOKS_SECONDS = 15
_SWEEP_WEB_PUSH_SECONDS = 15
_SWEEP_BLOBS_SECONDS = 3600
_TEND_THREADS_SECONDS = 60
_CLOSE_DAY_SECONDS, _CHECK_JOURNEYS_SECONDS, _TELL_EMR_SECONDS = 60, 300, 60


def create_celery(settings: Settings) -> Celery:
    """Wire the app. Acknowledged early and without a result backend: a lost message is sent again by the sweep, and a
    visibility timeout would have steps that run long delivered twice."""
    register_failover_transports()
    broker = BrokerAddress.of_url(settings.stores.broker_url)
    app = Celery(
        "welno",
        amqp=FastReconnectAmqp,
        task_cls=RedactingTask,
        include=[
            "tasks.collection.steps",
            "tasks.collection.files",
            "tasks.processes.housekeeping",
            "tasks.patients.erasure",
            "tasks.patients.exports",
            "tasks.shl.retention",
            "tasks.journey.jobs",
            "tasks.journey.web_push",
            "tasks.interviews.erasure",
            "tasks.interviews.knowledge",
            "tasks.interviews.runs",
            "tasks.threads.blobs",
            "tasks.threads.retention",
            "tasks.threads.service",
            "tasks.webhooks.sending",
        ],
    )
    app.conf.update(
        broker.settings,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=Queue.HOUSEKEEPING,
        task_routes=task_routes(),
        worker_consumer="tasks.consumer:ReconnectingConsumer",
        # Calls that take minutes wait in threads, which cost next to nothing: docs/decisions/0010-paid-calls.md.
        worker_pool="threads",
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            # The same for RabbitMQ: a node that hangs would hold the sweeper for as long.
            "read_timeout": 5,
            "health_check_interval": 10,
            # No note in Redis of what is delivered and not yet accepted: a hint that dies with its worker is sent again
            # by the sweep, in a second, and kombu would restore it after an hour.
            "ack_emulation": False,
            **SENDER_OPTIONS,
            **broker.transport_options,
        },
        timezone="UTC",
        beat_schedule=_schedule(settings),
        # Keeps nothing on disk: the usual one unpickles a file at its start, and so runs whatever somebody put there.
        beat_scheduler="tasks.beat:SetBackTolerantScheduler",
    )
    return app


def _schedule(settings: Settings) -> dict[str, Any]:
    """Beat's jobs. A job that waited in the queue for longer than its period, and than the clocks of beat and a worker
    may be apart, is dropped: the next one does the same."""

    def every(task: Task, seconds: float) -> dict[str, Any]:
        return {"task": task, "schedule": seconds, "options": {"expires": seconds + _HOSTS_APART_SECONDS}}

    return {
        "retry-files": every(Task.RETRY_FILES, settings.files.retry_interval_seconds),
        "clean-completed-files": {"task": Task.CLEAN_COMPLETED_FILES, "schedule": crontab(hour="18", minute="20")},
        "forget-exports": every(Task.FORGET_EXPORTS, _FORGET_EXPORTS_SECONDS),
        "delete-health-link-files": every(Task.DELETE_HEALTH_LINK_FILES, _DELETE_HEALTH_LINK_FILES_SECONDS),
        "forget-health-links": {"task": Task.FORGET_HEALTH_LINKS, "schedule": crontab(hour="19", minute="0")},
        "forget-revocations": {"task": Task.FORGET_REVOCATIONS, "schedule": crontab(hour="18", minute="30")},
        "close-day": every(Task.CLOSE_DAY, _CLOSE_DAY_SECONDS),
        "tell-emr": every(Task.TELL_EMR, _TELL_EMR_SECONDS),
        **(
            {"sweep-web-push": every(Task.SWEEP_WEB_PUSH, _SWEEP_WEB_PUSH_SECONDS)}
            if settings.journey.push_hosts
            else {}
        ),
        "check-journeys": every(Task.CHECK_JOURNEYS, _CHECK_JOURNEYS_SECONDS),
        "erase-interviews": {"task": Task.ERASE_INTERVIEWS, "schedule": crontab(hour="18", minute="50")},
        "sync-knowledge": every(Task.SYNC_KNOWLEDGE, _SYNC_KNOWLEDGE_SECONDS),
        "sweep-webhooks": every(Task.SWEEP_WEBHOOKS, _SWEEP_WEBHOOKS_SECONDS),
        "sweep-blobs": every(Task.SWEEP_BLOBS, _SWEEP_BLOBS_SECONDS),
        "tend-due-threads": every(Task.TEND_DUE_THREADS, _TEND_THREADS_SECONDS),
        "trim-threads": {"task": Task.TRIM_THREADS, "schedule": crontab(hour="19", minute="10")},
        "delete-old-runs": {"task": Task.DELETE_OLD_RUNS, "schedule": crontab(hour="18", minute="40")},
    }


settings = load_settings()
app = create_celery(settings)


@signals.setup_logging.connect
def _setup_logging(**_: Any) -> None:
    configure_logs(settings.processes.log_level, "celery")
