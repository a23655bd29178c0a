"""Names that more than one room must agree on: queues, tasks, statuses, event types, stream subjects."""

from collections.abc import Mapping
from enum import StrEnum


class Queue(StrEnum):
    COLLECTION = "collection"
    FILES = "files"
    HOUSEKEEPING = "housekeeping"
    INTERVIEWS = "interviews"


class Step(StrEnum):
    """The steps of a collection, in order. Each is one named Celery task."""

    REQUEST_SIMPLE_AUTH = "request_simple_auth"
    POLL_SIMPLE_AUTH = "poll_simple_auth"
    FETCH_HEALTH_DATA = "fetch_health_data"
    FETCH_PRESCRIPTIONS = "fetch_prescriptions"
    IDENTIFY_PATIENT = "identify_patient"
    SAVE_FILES = "save_files"
    IMPORT_FILES = "import_files"
    MAKE_REPORT = "make_report"
    FINISH = "finish"


class Task(StrEnum):
    RETRY_FILES = "welno.files.retry"
    IMPORT_FILE = "welno.files.import"
    CLEAN_COMPLETED_FILES = "welno.files.clean_completed"
    FORGET_REVOCATIONS = "welno.housekeeping.forget_revocations"
    ERASE_PATIENT = "welno.patients.erase"
    BUILD_EXPORT = "welno.patients.build_export"
    FORGET_EXPORTS = "welno.patients.forget_exports"
    FORGET_HEALTH_LINKS = "welno.shl.forget"
    DELETE_HEALTH_LINK_FILES = "welno.shl.delete_files"
    ERASE_INTERVIEWS = "welno.interviews.erase_overdue"
    RUN_INTERVIEW = "welno.interviews.run"
    SYNC_KNOWLEDGE = "welno.interviews.sync_knowledge"
    TRIM_THREADS = "welno.threads.trim"
    SWEEP_BLOBS = "welno.threads.sweep_blobs"
    TEND_THREADS_OF_DEVICE = "welno.threads.tend_device"
    TEND_DUE_THREADS = "welno.threads.tend_due"
    SEND_RECORDS = "welno.threads.send_records"
    DELETE_OLD_RUNS = "welno.housekeeping.delete_old_runs"
    CLOSE_DAY = "welno.journey.close_day"
    CHECK_JOURNEYS = "welno.journey.check_health"
    TELL_EMR = "welno.journey.tell_emr"
    SEND_WEB_PUSH = "welno.journey.send_web_push"
    SWEEP_WEB_PUSH = "welno.journey.sweep_web_push"
    SEND_WEBHOOK = "welno.webhooks.send"
    SWEEP_WEBHOOKS = "welno.webhooks.sweep"


class ProcessKind(StrEnum):
    """Processes that keep a lease while they live."""

    WORKER = "worker"
    POLLER = "poller"
    REFRESHER = "refresher"
    ANALYST = "analyst"


# Names whose rights every web process looks at anew, at once. See streams.control.
CONTROL_CHANNEL = "welno:control"
# What each web process counts of the projects' streams, for all to be read together: an index, and a key for each.
SSE_COUNTS_KEY = "welno:{sse_counts}"
# Who is counted over all web processes: a set for each address, person and subject, under its pseudonym. One hash tag,
# as a reader is counted in several at once.
READERS_KEY = "welno:{readers}"
# Names of what has changed, for the processes that follow it by their own clock. See streams.wake.
WAKE_CHANNEL = "welno:wake"


def step_task(step: Step) -> str:
    return f"welno.collection.{step}"


# The one table of routes: every task and its queue.
TASK_QUEUES: Mapping[str, Queue] = {
    **{step_task(step): Queue.COLLECTION for step in Step},
    Task.RETRY_FILES: Queue.FILES,
    Task.IMPORT_FILE: Queue.FILES,
    Task.CLEAN_COMPLETED_FILES: Queue.FILES,
    Task.FORGET_REVOCATIONS: Queue.HOUSEKEEPING,
    Task.ERASE_PATIENT: Queue.HOUSEKEEPING,
    Task.BUILD_EXPORT: Queue.HOUSEKEEPING,
    Task.FORGET_EXPORTS: Queue.HOUSEKEEPING,
    Task.FORGET_HEALTH_LINKS: Queue.HOUSEKEEPING,
    Task.DELETE_HEALTH_LINK_FILES: Queue.HOUSEKEEPING,
    Task.ERASE_INTERVIEWS: Queue.HOUSEKEEPING,
    Task.RUN_INTERVIEW: Queue.INTERVIEWS,
    Task.SYNC_KNOWLEDGE: Queue.INTERVIEWS,
    Task.TRIM_THREADS: Queue.HOUSEKEEPING,
    Task.SWEEP_BLOBS: Queue.HOUSEKEEPING,
    Task.TEND_THREADS_OF_DEVICE: Queue.HOUSEKEEPING,
    Task.TEND_DUE_THREADS: Queue.HOUSEKEEPING,
    Task.SEND_RECORDS: Queue.HOUSEKEEPING,
    Task.DELETE_OLD_RUNS: Queue.HOUSEKEEPING,
    Task.CLOSE_DAY: Queue.HOUSEKEEPING,
    Task.CHECK_JOURNEYS: Queue.HOUSEKEEPING,
    Task.TELL_EMR: Queue.HOUSEKEEPING,
    Task.SEND_WEB_PUSH: Queue.HOUSEKEEPING,
    Task.SWEEP_WEB_PUSH: Queue.HOUSEKEEPING,
    Task.SEND_WEBHOOK: Queue.HOUSEKEEPING,
    Task.SWEEP_WEBHOOKS: Queue.HOUSEKEEPING,
}


def task_routes() -> dict[str, dict[str, str]]:
    """The table as Celery's `task_routes` takes it."""
    return {str(task): {"queue": str(queue)} for task, queue in TASK_QUEUES.items()}


class Status(StrEnum):
    """The states of a session as the browser sees them."""

    INITIATED = "initiated"
    AUTH_REQUESTING = "auth_requesting"
    AUTH_PENDING = "auth_pending"
    AUTH_COMPLETED = "auth_completed"
    FETCHING_HEALTH_DATA = "fetching_health_data"
    FETCHING_PRESCRIPTION_DATA = "fetching_prescription_data"
    IDENTIFYING = "identifying"
    SAVING = "saving"
    MEDIARC_GENERATING = "mediarc_generating"
    COMPLETED = "completed"
    INFO_REQUIRED = "info_required"
    DECLINED = "declined"
    TIMEOUT = "timeout"
    ERROR = "error"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """Types of the numbered events of a session. With type STREAMING_STATUS, `status` carries the state."""

    AUTH_KEY_RECEIVED = "auth_key_received"
    AUTH_WAITING = "auth_waiting"
    AUTH_COMPLETED = "auth_completed"
    STREAMING_STATUS = "streaming_status"
    AUTH_TIMEOUT = "auth_timeout"
    AUTH_PENDING = "auth_pending"
    INFO_REQUIRED = "info_required"
    HEALTH_DATA_FAILED = "health_data_failed"
    PRESCRIPTION_DATA_FAILED = "prescription_data_failed"
    COLLECTION_ERROR = "collection_error"
    MEDIARC_FAILED = "mediarc_failed"
    SESSION_EXTENDED = "session_extended"
    DECLINED = "declined"
    AUTH_SUPERSEDED = "auth_superseded"
    PUSH_REQUESTED_ELSEWHERE = "push_requested_elsewhere"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ERROR = "error"


class Streaming(StrEnum):
    """Values of `status` in events of type `streaming_status`, in their order."""

    FETCHING_HEALTH_DATA = "fetching_health_data"
    HEALTH_DATA_COMPLETED = "health_data_completed"
    FETCHING_PRESCRIPTION_DATA = "fetching_prescription_data"
    PRESCRIPTION_COMPLETED = "prescription_completed"
    MEDIARC_GENERATING = "mediarc_generating"
    MEDIARC_COMPLETED_PASSWORD_READY = "mediarc_completed_password_ready"  # noqa: S105 a state, not a secret
    COMPLETED = "completed"


def flower_cookie(*, secure: bool) -> str:
    """The web process sets it, Flower reads it. The prefix holds a browser to HTTPS, this host and the path `/`."""
    return f"{'__Host-' if secure else ''}welno_flower"


SESSION_PREFIX = "tilko_session"


# Streams of Redis with the last failed requests. Apart, so that a flood of refusals drives out none of our own faults.
FAILED_BY_FAULT, FAILED_BY_REFUSAL = "welno:failed_requests:faults", "welno:failed_requests:refusals"


def session_subject(session_id: str) -> str:
    """The stream of a session, and at once the key of its Redis hash."""
    return f"{SESSION_PREFIX}:{session_id}"


# The subjects of the journey: a person, their place in a line, the line, a screen in a hall.
PATIENT_PREFIX, QUEUE_PREFIX, EXAM_PREFIX, HALL_PREFIX = "patient", "queue", "exam", "hall"


def patient_subject(user_id: object) -> str:
    return f"{PATIENT_PREFIX}:{user_id}"


def queue_subject(queue_id: object) -> str:
    return f"{QUEUE_PREFIX}:{queue_id}"


def exam_subject(exam_id: str) -> str:
    return f"{EXAM_PREFIX}:{exam_id}"


def hall_subject(display_id: str) -> str:
    return f"{HALL_PREFIX}:{display_id}"


class JourneyEvent(StrEnum):
    """Types of the journey's numbered events."""

    STATE_UPDATE = "state_update"
    PATIENT_CALLED = "patient_called"
    CALL_WITHDRAWN = "call_withdrawn"
    QUEUE_UPDATE = "queue.update"
    EXAM_UPDATE = "exam.update"
    HALL_UPDATE = "hall.update"


PROJECT_PREFIX = "project"


def project_subject(project_id: object) -> str:
    """The events of all interviews of a project."""
    return f"{PROJECT_PREFIX}:{project_id}"


THREAD_PREFIX = "thread"


def thread_subject(thread_id: str) -> str:
    """The items of a thread."""
    return f"{THREAD_PREFIX}:{thread_id}"


class InterviewEvent(StrEnum):
    """Types of a project's numbered events."""

    ADDED = "interview:added"
    STATUS_CHANGED = "interview:status_changed"
    COMPLETED = "interview:completed"
    FAILED = "interview:failed"
    DELETED = "interview:deleted"
    HIGHLIGHTED = "interview:highlighted"
    CHANGED = "interview:changed"
    INSIGHT_CHANGED = "insight:changed"
    PROJECT_CHANGED = "project:changed"
