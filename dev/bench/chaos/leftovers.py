"""What may not be left in the stores and processes when all is done: leases, locks, keys without an end, sockets."""

import re
from collections import Counter
from collections.abc import Iterator

import psutil

from dev.bench.chaos.checker import Violation, left_over
from dev.bench.chaos.product import LEASE_LOCK_CLASS, LEASES_TABLE, QUEUES, pid_of
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from services.stores import connect_redis

# All others have a time to live. These are the broker's own, which do not grow; in `unacked` it keeps what a killed
# worker had fetched and not begun, and gives it out again after its visibility timeout: hints about runs long ended.
# The streams' mark is one key, which lasts because its absence tells that Redis was emptied.
_LASTING = re.compile(
    r"_kombu\.binding(_permanent)?\.|_kombu\.binding_deadlines|unacked|celeryev|.*\.pidbox|celery$|welno:streams:mark$"
)
_POSTGRES_PER_PROCESS = 21  # its pool, as many above it, and its lease
# The web keeps as many as it had requests at once, all of which waited while Redis was stalled.
_REDIS_PER_PROCESS = 150
# On a busy machine a transaction may be open at the moment of looking; one that nobody goes on with lasts.
_OPEN_TRANSACTION_SECONDS = 6
_MOST_QUEUED = 2


def find_leftovers(system: SystemUnderTest, recorder: DatabaseRecorder) -> list[Violation]:
    sentences = (
        *_leases(system, recorder),
        *_queues(system),
        *_keys(system),
        *_connections(recorder),
        *_sockets(system),
    )
    return [left_over(sentence) for sentence in sentences]


def _leases(system: SystemUnderTest, recorder: DatabaseRecorder) -> Iterator[str]:
    held = recorder.query(
        "select l.objid, c.application from pg_locks l left join chaos.leases c on c.lease_id::oid = l.objid"
        f" where l.locktype = 'advisory' and l.classid = {LEASE_LOCK_CLASS} and l.granted"
    )
    alive = {process.pid for process in system.processes()}
    for lease_id, application in held:
        if pid_of(application or "") not in alive:
            yield f"lease {lease_id} is held for {application}, which is gone"
    for application, count in Counter(application for _, application in held).items():
        if count > 1:
            yield f"{application} holds {count} leases"
    for (lease_id,) in recorder.query(f"select id from {LEASES_TABLE} where lease_until > now() + interval '6 s'"):
        yield f"lease {lease_id} lasts too long"


def _queues(system: SystemUnderTest) -> Iterator[str]:
    for queue, count in system.queue_sizes().items():
        if count > _MOST_QUEUED:
            yield f"the broker's {queue} holds {count}"


def _keys(system: SystemUnderTest) -> Iterator[str]:
    with connect_redis(system.env["REDIS_URL"]) as client:
        for key in map(bytes.decode, client.scan_iter(count=1000)):
            has_end = client.ttl(key) != -1
            if not has_end and key not in QUEUES and not _LASTING.match(key):
                yield f"the key {key} has no end"


def _connections(recorder: DatabaseRecorder) -> Iterator[str]:
    for application, state, count in recorder.query(
        "select application_name, state, count(*) from pg_stat_activity where datname = current_database()"
        " and state not in ('idle', 'active') and state_change < now() - make_interval(secs => %s) group by 1, 2",
        _OPEN_TRANSACTION_SECONDS,
    ):
        yield f"{count} connections of {application} are {state}"


def _sockets(system: SystemUnderTest) -> Iterator[str]:
    for process in system.processes():
        yield from _sockets_of(process, system)


def _sockets_of(process: psutil.Process, system: SystemUnderTest) -> Iterator[str]:
    try:
        sockets = system.sockets_of(process)
    except psutil.Error:
        return
    to = Counter(sock.raddr.port for sock in sockets if sock.raddr and sock.status == psutil.CONN_ESTABLISHED)
    ports = system.store_ports
    if to[ports.postgres] > _POSTGRES_PER_PROCESS:
        yield f"{process.pid} holds {to[ports.postgres]} connections to PostgreSQL"
    if to[ports.redis] > _REDIS_PER_PROCESS:
        yield f"{process.pid} holds {to[ports.redis]} connections to Redis"
    # Those of the pools are closed at their next use.
    gone = (sock for sock in sockets if sock.status == psutil.CONN_CLOSE_WAIT and sock.raddr)
    hanging = [sock for sock in gone if sock.raddr.port not in ports.pooled]
    if len(hanging) > 3:
        yield f"{process.pid} keeps {len(hanging)} sockets whose other end has gone"
