"""What a demand needs: cores, processes, machines, memory, connections, bytes on disk."""

from dataclasses import dataclass
from math import ceil

from dev.sizing import figures as of
from dev.sizing.demand import Demand

_KIB_PER_MIB, _MIB_PER_GIB, _KB_PER_GB = 1024, 1024, 1_000_000


@dataclass(frozen=True)
class Cores:
    """Busy at the peak, by process; PostgreSQL's and Redis' too."""

    web: float
    worker: float
    interviews: float
    poller: float
    postgres: float
    redis: float


@dataclass(frozen=True)
class Needs:
    cores: Cores
    web: int
    worker: int
    interviews: int
    poller: int
    app_machines: int
    app_memory_gib: float
    postgres_cores: int
    postgres_memory_gib: float
    redis_memory_gib: float
    connections: int
    first_year_gb: float
    later_year_gb: float
    folder_gb: float


def polls_per_second(demand: Demand) -> float:
    return demand.waiting_phones / of.POLL_INTERVAL.value


def find_cores(demand: Demand) -> Cores:
    peak = demand.peak
    ms = {
        "web": peak["collections"] * _collection_web_ms()
        + peak["queue_actions"] * (of.ACTION_WEB.value + of.ACTION_READERS.value * of.EVENT.value / 1000)
        + peak["looks"] * (of.ACTION_WEB.value + of.LOOK_CPU.value)
        + peak["envelopes"] * of.ENVELOPE_WEB.value,
        "worker": peak["collections"] * of.WORKER.value,
        "interviews": peak["analyses"] * (of.EXTRACTION.value + of.MASKING.value * of.ANALYSIS_CHARACTERS.value / 1000),
        "poller": polls_per_second(demand) * of.POLL.value / 1000,
        "postgres": peak["collections"] * of.COLLECTION_POSTGRES.value
        + (peak["queue_actions"] + peak["envelopes"]) * of.ENVELOPE_POSTGRES.value
        + peak["looks"] * of.LOOK_POSTGRES.value
        + peak["analyses"] * of.ANALYSIS_POSTGRES.value,
        "redis": peak["collections"] * of.COLLECTION_REDIS.value
        + (peak["queue_actions"] + peak["envelopes"]) * of.ENVELOPE_REDIS.value
        + peak["analyses"] * of.COLLECTION_REDIS.value,
    }
    busy = {name: spent / 1000 for name, spent in ms.items()}
    busy["web"] += demand.sockets * of.IDLE_SOCKETS.value / 100 / of.SOCKETS_MEASURED.value
    return Cores(**busy)


def _collection_web_ms() -> float:
    requests = of.COLLECTION_REQUESTS.value * of.ACTION_WEB.value
    return requests + 1000 / of.SOCKET_ADMITTED.value + of.COLLECTION_EVENTS.value * of.EVENT.value / 1000


def commits_per_second(demand: Demand) -> float:
    """Of writes, at the peak; an action, a look and an envelope take one each."""
    ones = sum(demand.peak[kind] for kind in ("queue_actions", "looks", "envelopes"))
    collections = demand.peak["collections"] * of.COLLECTION_COMMITS.value
    return ones + collections + demand.peak["analyses"] * of.ANALYSIS_COMMITS.value


def find_needs(demand: Demand) -> Needs:
    """One process more of each kind than the peak takes, so that one may die; beat and two sweepers come on top."""
    cores = find_cores(demand)
    threads = of.WORKER_THREADS.value * (1 - of.THREADS_FREE.value / 100)
    half_full = of.SOCKETS_TOTAL.value * of.BUSY.value / 100
    web = _with_a_spare(max(_processes(cores.web), demand.sockets / half_full))
    worker = _with_a_spare(max(_processes(cores.worker), demand.calls_under_way / threads))
    interviews = _with_a_spare(
        max(_processes(cores.interviews), demand.analyses_under_way / of.INTERVIEW_THREADS.value)
    )
    poller = _with_a_spare(_processes(cores.poller))
    others = worker + interviews + poller + 3
    memory = _app_memory_gib(demand, web, others)
    connections = ceil((web + others) * (2 * of.POOL.value + 1))
    first, later = _yearly_gb(demand, is_first=True), _yearly_gb(demand, is_first=False)
    return Needs(
        cores=cores,
        web=web,
        worker=worker,
        interviews=interviews,
        poller=poller,
        app_machines=max(2, _machines(web + others, memory)),
        app_memory_gib=memory,
        postgres_cores=max(2, ceil(_processes(cores.postgres))),
        postgres_memory_gib=_postgres_memory_gib(first, connections),
        redis_memory_gib=_redis_memory_gib(demand),
        connections=connections,
        first_year_gb=first,
        later_year_gb=later,
        folder_gb=_folder_gb(demand),
    )


def _processes(cores: float) -> float:
    return cores / (of.BUSY.value / 100)


def _with_a_spare(processes: float) -> int:
    return max(1, ceil(processes)) + 1


def _machines(processes: int, memory_gib: float) -> int:
    """A core for each process, as each uses one at most; half of the memory is the kernel's and the spare's."""
    return ceil(max(processes / of.MACHINE_CORES.value, 2 * memory_gib / of.MACHINE_MEMORY.value))


def _app_memory_gib(demand: Demand, web: int, others: int) -> float:
    sockets = demand.sockets * of.SOCKET_MEMORY.value / _KIB_PER_MIB
    calls = demand.calls_under_way * of.CALL_MEMORY.value
    processes = web * of.WEB_MEMORY.value + others * of.PROCESS_MEMORY.value
    return (processes + sockets + calls) / _MIB_PER_GIB


def _postgres_memory_gib(year_gb: float, connections: int) -> float:
    hot = year_gb * of.POSTGRES_HOT.value / 100
    return of.STORE_MEMORY.value + hot + connections * of.CONNECTION_MEMORY.value / _MIB_PER_GIB


def _redis_memory_gib(demand: Demand) -> float:
    """Streams of the busiest day, which is below a hundredth of a year."""
    yearly = demand.yearly
    events = (
        yearly["collections"] * of.COLLECTION_EVENTS.value
        + yearly["queue_actions"] * of.ACTION_SUBJECTS.value
        + yearly["envelopes"]
    )
    kib = events / of.BUSIEST_DAYS.value * of.REDIS_EVENT.value
    return of.STORE_MEMORY.value / 2 + kib / _KIB_PER_MIB / _MIB_PER_GIB


def _yearly_gb(demand: Demand, *, is_first: bool) -> float:
    """Without the write-ahead log, replicas and backups. In the first year each person is new once."""
    yearly = demand.yearly
    new_people = max(demand.users, yearly["collections"] / of.COLLECTIONS.value) if is_first else 0.0
    later_collections = yearly["collections"] - new_people
    records = new_people * of.RECORDS_FIRST.value + later_collections * of.LATER_RECORDS.value
    kb = (
        records * of.RECORD_BYTES.value
        + new_people * of.PATIENT_BYTES.value / 1000
        + yearly["collections"] * of.RUN_BYTES.value
        + yearly["queue_actions"] * of.ACTION_BYTES.value
        + yearly["looks"] * of.LOOK_BYTES.value
        + yearly["envelopes"] * of.ENVELOPE_BYTES.value
        + yearly["analyses"] * of.ANALYSIS_BYTES.value
    )
    return kb / _KB_PER_GB


def _folder_gb(demand: Demand) -> float:
    """Two packages of each collection, for as long as they are kept."""
    kept = 2 * demand.yearly["collections"] * of.FILE_KEEP_DAYS.value / 365
    return kept * of.PACKAGE_BYTES.value * 1024 / 1e9
