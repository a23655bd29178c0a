"""Every number that the model begins with: measured ones with the row that they were read from, others as assumed."""

from collections.abc import Sequence
from dataclasses import dataclass

MEASURED, SETTINGS, OPERATIONS = "docs/measured.md", "docs/settings.md", "docs/operations.md"
_RECORDS = "docs/decisions/0012-records-in-clear-in-postgresql.md"


@dataclass(frozen=True)
class Figure:
    """`quote` stands word for word in the file `source`; without a source the figure is assumed, and `why` says how."""

    name: str
    value: float
    unit: str
    why: str
    source: str = ""
    quote: str = ""


_OURS = "| ours | 14.8 | 9.8 | 2.0 | 36.9 |"
_FLOOR = "| floor | 2.0 | 2.8 | 0.3 | 153 |"
_ALONE = "the pipeline, alone on the machine"
_THREADS = "the threads"
_ENVELOPE = "| in batches of 1, 8 writers on one thread / on 8 | 8.8 / 7.8 | 2.9 / 2.7 | 0.47 / 0.41 |"

WORKER = Figure("a collection: CPU of the worker", 14.8, "ms", _ALONE, MEASURED, _OURS)
COLLECTION_POSTGRES = Figure("a collection: CPU of PostgreSQL", 9.8, "ms", _ALONE, MEASURED, _OURS)
COLLECTION_REDIS = Figure("a collection: CPU of Redis and broker", 2.0, "ms", _ALONE, MEASURED, _OURS)
COLLECTION_COMMITS = Figure(
    "a collection: commits of writes",
    9.0,
    "",
    "the pipeline on the event log",
    MEASURED,
    "| ours: durable, each step in Flower | 14.0 | 8.2 | 1.8 | 30.8 | 17.3 | 9.0 |",
)
FLOOR_RATE = Figure("inline floor: nine commits and eight publishes", 153, "per s", _ALONE, MEASURED, _FLOOR)
FLOOR_CPU = Figure("inline floor: CPU of all three", 5.1, "ms", f"{_ALONE}: 2.0 + 2.8 + 0.3", MEASURED, _FLOOR)
POLL = Figure(
    "a poll of an approval: CPU of the poller",
    131,
    "µs",
    "waiting",
    MEASURED,
    "| poller, of one core | 0.66 (131 µs per poll, 5,043 polls/s) | 0.5 |",
)
ACTION_WEB = Figure(
    "a queue action over HTTP: CPU of the web process",
    9.2,
    "ms",
    "the patient's journey",
    MEASURED,
    "| HTTP | 18.2 / 40.7 ms | 40.0 | 9.2 ms |",
)
ENVELOPE_WEB = Figure("an envelope alone: CPU of the web process", 8.8, "ms", _THREADS, MEASURED, _ENVELOPE)
ENVELOPE_POSTGRES = Figure("an envelope alone: CPU of PostgreSQL", 2.9, "ms", _THREADS, MEASURED, _ENVELOPE)
ENVELOPE_REDIS = Figure("an envelope alone: CPU of Redis", 0.47, "ms", _THREADS, MEASURED, _ENVELOPE)
IDLE_SOCKETS = Figure(
    "idle sockets, as many as were measured",
    5.9,
    "% of a core",
    "sockets",
    MEASURED,
    "| 19,700 idle sockets, of a core | 5.9 % |",
)
SOCKETS_MEASURED = Figure(
    "idle sockets that were measured",
    19_700,
    "",
    "as many as the machine let a process open",
    MEASURED,
    "| 19,700 idle sockets, of a core | 5.9 % |",
)
SOCKET_MEMORY = Figure(
    "a socket after a crowd came back",
    6.12,
    "KiB",
    "sockets, alone on the machine",
    MEASURED,
    "| KiB per socket that such a crowd leaves | 6.12 |",
)
SOCKET_ADMITTED = Figure(
    "sockets let in by a web process",
    887,
    "per s",
    "sockets, 19,700 of them",
    MEASURED,
    "| sockets let in per second, 5,000 / 19,700 | 959 / 887 |",
)
EVENT = Figure(
    "an event to a socket: CPU of the web process",
    156,
    "µs",
    "sockets, alone on the machine",
    MEASURED,
    "| CPU per event | 156 µs |",
)
EXTRACTION = Figure(
    "an analysis: reading a PDF in its child (its time, not its CPU)",
    511,
    "ms",
    "the interviews, with a load of 3 to 14",
    MEASURED,
    "| in its child, ms | 172 | 424 | 330 | 599 | 794 | 787 | 511 |",
)
MASKING = Figure(
    "an analysis: masking 1,000 characters",
    7.5,
    "ms",
    "masking",
    MEASURED,
    "7.5 ms of CPU per 1,000 characters",
)
WEB_MEMORY = Figure(
    "a web process with 5,000 sockets",
    134.8,
    "MiB",
    "soak",
    MEASURED,
    "held 134.8 MiB in the second quarter, 135.1 in the last",
)
SPOOL = Figure(
    "packages saved in one folder, each with its fsync",
    662,
    "per s",
    "the file store",
    MEASURED,
    "| packages saved per second, beside the machine's write + fsync + rename | 662 beside 1,137: 0.58 | |",
)
COMMAND = Figure(
    "a Redis command at 64 callers",
    18,
    "µs",
    "clients written by hand",
    MEASURED,
    "| a Redis command at 1 / 16 / 64 callers at once | 57 / 21 / 18 µs |",
)
RECORD_BYTES = Figure("a record with its indexes", 2.5, "KB", "decision 12", _RECORDS, "| on disk, a record | 2.5 KB |")
PATIENT_BYTES = Figure(
    "a patient with indexes", 168, "bytes", "decision 12", _RECORDS, "| on disk, a patient with indexes | 168 bytes |"
)
POLL_INTERVAL = Figure(
    "between two polls (later ones come less often)",
    2,
    "s",
    "a setting",
    SETTINGS,
    "| `WELNO_POLL_INTERVAL_SECONDS` | `2` |",
)
POLL_SLOW = Figure(
    "between later polls at most", 10, "s", "a setting", SETTINGS, "| `WELNO_POLL_SLOW_MAX_SECONDS` | `10` |"
)
SOCKETS_TOTAL = Figure(
    "sockets in one web process", 10_000, "", "a setting", SETTINGS, "| `WELNO_SOCKETS_TOTAL` | `10000` |"
)
POOL = Figure(
    "connections that a process keeps; it may open as many more",
    10,
    "",
    "a setting",
    SETTINGS,
    "| `WELNO_DATABASE_POOL_SIZE` | `10` |",
)
INTERVIEW_THREADS = Figure(
    "analyses of one process that wait for MISO",
    8,
    "",
    "a setting",
    SETTINGS,
    "| `WELNO_INTERVIEW_CONCURRENCY` | `8` |",
)
FILE_KEEP_DAYS = Figure(
    "imported files are kept", 30, "days", "a setting", SETTINGS, "| `WELNO_COMPLETED_KEEP_DAYS` | `30` |"
)
SWEEP_INTERVAL = Figure(
    "between two sweeps", 0.5, "s", "a setting", SETTINGS, "| `WELNO_SWEEP_INTERVAL_SECONDS` | `0.5` |"
)
SWEEP_BATCH = Figure(
    "runs that a sweep takes up", 200, "", "a constant", "services/collection/sweep.py", "_BATCH = 200"
)
RETRY_INTERVAL = Figure(
    "between two of beat's file retries",
    60,
    "s",
    "a setting",
    SETTINGS,
    "| `WELNO_FILE_RETRY_INTERVAL_SECONDS` | `60` |",
)
RETRY_BATCH = Figure(
    "failed files that one retry takes up", 500, "", "a constant", "tasks/collection/files.py", "_BATCH = 500"
)
WORKER_THREADS = Figure("threads of a worker", 100, "", "Procfile", OPERATIONS, "`WORKER_CONCURRENCY` (100) threads")
THREADS_FREE = Figure("threads of a worker left free", 25, "%", "sizing", OPERATIONS, "Leave a quarter of them free")
LOOK_CPU = Figure(
    "a look at a record: CPU beyond a read's",
    0.75,
    "ms",
    "processes",
    OPERATIONS,
    "three quarters of a millisecond of CPU",
)
PRESCRIPTIONS_CALL = Figure("the call for prescriptions", 30, "s", "sizing", OPERATIONS, "30 s for the prescriptions")
RECORDS_FIRST = Figure(
    "records of a person's first collection",
    34,
    "",
    "the bench's person",
    "dev/bench/pipeline/end_to_end.py",
    "ten checkups and 24 prescriptions each",
)

USERS = Figure("people who use it", 30, "%", "of all who live there")
COLLECTIONS = Figure("collections of a person in a year", 2, "", "a checkup a year, and one look between")
PERSON_ENVELOPES = Figure("envelopes of a person in a year", 24, "", "two a month")
PERSON_LOOKS = Figure("looks at a person's records in a year", 24, "", "two a month")
VISIT_ACTIONS = Figure("queue actions of a visit", 12, "", "three exams of four actions each")
VISIT_LOOKS = Figure("looks at records of a visit", 4, "", "")
VISIT_ENVELOPES = Figure("envelopes of a visit", 2, "", "")
VISIT_COLLECTIONS = Figure("visits with a collection", 20, "%", "the others have collected before")
VISIT_MINUTES = Figure("a phone's socket is open for a visit", 120, "min", "")
PAGE_MINUTES = Figure("a page's socket is open for a collection", 10, "min", "until it is read")
HOSPITAL_SOCKETS = Figure("sockets of desks and halls of a hospital", 150, "", "")
ACTION_READERS = Figure("readers of a queue action", 10, "", "phone, desks, hall")
HOSPITAL_ANALYSES = Figure("analyses of a hospital on a working day", 20, "", "")
WORKING_DAYS = Figure("working days of a year", 250, "days", "")
PEAK_DAY_PEOPLE = Figure("the busiest day of people at home", 3, "times", "the last days of the year's checkups")
PEAK_DAY_VISITS = Figure("the busiest day of a hospital", 1.3, "times", "a Monday")
PEAK_MINUTES = Figure("the busiest minutes of the busiest hour", 2, "times", "")
APPROVAL = Figure("until a phone has approved", 40, "s", "")
SHORT_CALL = Figure("the calls for push and checkups, each", 5, "s", "")
ANALYSIS_CALL = Figure("an analysis waits for MISO", 60, "s", "")
ANALYSIS_CHARACTERS = Figure("characters of an interview", 30_000, "", "")
ANALYSIS_POSTGRES = Figure("an analysis: CPU of PostgreSQL", 50, "ms", "five collections' worth")
ANALYSIS_COMMITS = Figure("an analysis: commits of writes", 10, "", "as a collection's, and one more")
COLLECTION_REQUESTS = Figure("requests of a collection", 2, "", "start and push, each as dear as a queue action")
COLLECTION_EVENTS = Figure("events of a collection", 8, "", "an event or two for most steps")
LOOK_POSTGRES = Figure("a look: CPU of PostgreSQL", 4.5, "ms", "eight statements, each as dear as a collection's")
FAILED_FILES = Figure("files that an import refuses at first", 1, "%", "")
PROVIDER_LIMIT = Figure("calls that the provider takes, polls included", 100, "per s", "no contract told one yet")
POOLED_CONNECTIONS = Figure("connections that a pooler opens for web and sweepers", 50, "", "")
SHARED_COMMITS = Figure("commits that share an fsync under load", 4, "", "commit_delay, and several connections")
ENVELOPES_AT_ONCE = Figure("envelopes that a busy device pushes at once", 10, "", "as one of the measured batches")
CONNECTIONS_LIMIT = Figure("connections that PostgreSQL takes", 500, "", "its max_connections; the default is 100")
POSTGRES_CORES = Figure("cores of the largest PostgreSQL machine", 32, "", "")
LATER_RECORDS = Figure("new records of a later collection", 12, "", "")
PACKAGE_BYTES = Figure("a sealed package in the folder", 64, "KiB", "")
RUN_BYTES = Figure("a run with steps and events, until they are deleted", 12, "KB", "")
ACTION_BYTES = Figure("a queue action's rows and events", 1.5, "KB", "")
LOOK_BYTES = Figure("an entry of the access log", 0.4, "KB", "")
ENVELOPE_BYTES = Figure("an envelope of 1 KiB with rows and indexes", 1.6, "KB", "")
ANALYSIS_BYTES = Figure("an interview with its index", 200, "KB", "")
BUSY = Figure("a core is to be busy at most", 50, "%", "the other half is for what dies, and for waits")
MACHINE_CORES = Figure("cores of a machine", 4, "", "")
MACHINE_MEMORY = Figure("memory of a machine", 16, "GiB", "")
PROCESS_MEMORY = Figure("any process but a web process", 200, "MiB", "")
CALL_MEMORY = Figure("a call under way", 1, "MiB", "")
STORE_MEMORY = Figure("memory of PostgreSQL that holds nothing yet", 2, "GiB", "Redis takes half of it")
POSTGRES_HOT = Figure("share of a year's bytes that PostgreSQL should hold in memory", 5, "%", "")
CONNECTION_MEMORY = Figure("a connection of PostgreSQL", 10, "MiB", "")
ACTION_SUBJECTS = Figure("streams that a queue action is told in", 3, "", "a person's, a line's, a hall's")
BUSIEST_DAYS = Figure("days as busy as the busiest would make a year", 100, "days", "Redis holds one of them")
REDIS_EVENT = Figure("an event in a stream of Redis, for a day", 1.5, "KiB", "")


def all_figures() -> Sequence[Figure]:
    return [found for found in globals().values() if isinstance(found, Figure)]
