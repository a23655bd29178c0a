"""What may not be left when all is done: files, leases, locks, keys, sockets."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import redis

from dev.bench.chaos.stage import Stage
from dev.bench.chaos.witness import Witness
from services.processes.leases import LOCK_CLASS

_QUEUES = ("collection", "files", "housekeeping")
# All others have a time to live. These are the broker's own, which do not grow; in `unacked` it keeps what a killed
# worker had fetched and not begun, and gives it out again after its visibility timeout: hints about runs long ended.
_LASTING = re.compile(r"_kombu\.binding(_permanent)?\.|_kombu\.binding_deadlines|unacked|celeryev|.*\.pidbox|celery$")
_POOL = 21  # connections that one process may keep to PostgreSQL: its pool, as many above it, and its lease
# The web keeps as many as it had requests at once, all of which waited while Redis was stalled.
_REDIS_PER_PROCESS = 150


def find_leftovers(stage: Stage, witness: Witness) -> list[str]:
    """One sentence for each thing that should not be there any more."""
    spool = Path(stage.stack.env["TILKO_DATA_DIR"])
    return [*_files(spool), *_leases(stage, witness), *_keys(stage), *_sockets(stage, witness)]


def _files(spool: Path) -> Iterator[str]:
    for folder in ("incoming", "pending", "failed"):
        for path in sorted((spool / folder).iterdir()):
            kind = "a temporary file" if path.name.startswith(".") else path.name
            yield f"{folder}/ still holds {kind}"


def _leases(stage: Stage, witness: Witness) -> Iterator[str]:
    held = witness.query(
        "select l.objid, c.application from pg_locks l left join chaos.leases c on c.lease_id::oid = l.objid"
        f" where l.locktype = 'advisory' and l.classid = {LOCK_CLASS} and l.granted"
    )
    alive = {process.pid for process in _processes(stage)}
    for lease_id, application in held:
        pid = int((application or "0").rpartition(" ")[2])
        if pid not in alive:
            yield f"lease {lease_id} is held for {application}, which is gone"
    applications = Counter(application for _, application in held)
    for application, count in applications.items():
        if count > 1:
            yield f"{application} holds {count} leases"
    for (lease_id,) in witness.query("select id from welno.welno_processes where lease_until > now() + interval '6 s'"):
        yield f"lease {lease_id} lasts too long"
    for session_id, run_state in witness.query(
        "select session_id::text, run_state from welno.welno_collection_history"
        " where run_state = 'ended' and (identity is not null or auth is not null)"
    ):
        yield f"{session_id} is {run_state} and still has secrets"


def _keys(stage: Stage) -> Iterator[str]:
    with redis.Redis.from_url(stage.stack.valkey.url, decode_responses=True) as client:
        for queue in _QUEUES:
            count = client.llen(queue) if client.type(queue) == "list" else 0
            if count > 2 or (client.type(queue) not in ("none", "list")):
                yield f"the broker's {queue} holds {count or client.type(queue)}"
        for key in client.scan_iter(count=1000):
            has_end = client.ttl(key) != -1
            if not has_end and key not in _QUEUES and not _LASTING.match(key):
                yield f"the key {key} has no end"


def _sockets(stage: Stage, witness: Witness) -> Iterator[str]:
    for application, state, count in witness.query(
        "select application_name, state, count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() group by 1, 2"
    ):
        if state not in ("idle", "active"):
            yield f"{count} connections of {application} are {state}"
    for process in _processes(stage):
        yield from _sockets_of(process, stage)


def _sockets_of(process: psutil.Process, stage: Stage) -> Iterator[str]:
    try:
        sockets = process.net_connections("tcp")
    except psutil.Error:
        return
    to = Counter(sock.raddr.port for sock in sockets if sock.raddr and sock.status == psutil.CONN_ESTABLISHED)
    if to[stage.ports.postgres or 0] > _POOL:
        yield f"{process.pid} holds {to[stage.ports.postgres or 0]} connections to PostgreSQL"
    if to[stage.ports.valkey or 0] > _REDIS_PER_PROCESS:
        yield f"{process.pid} holds {to[stage.ports.valkey or 0]} connections to Redis"
    # Those of the pools are closed at their next use.
    stores = (stage.ports.postgres, stage.ports.valkey, *stage.proxy_ports)
    gone = (sock for sock in sockets if sock.status == psutil.CONN_CLOSE_WAIT and sock.raddr)
    hanging = [sock for sock in gone if sock.raddr.port not in stores]
    if len(hanging) > 3:
        yield f"{process.pid} keeps {len(hanging)} sockets whose other end has gone"


def _processes(stage: Stage) -> list[psutil.Process]:
    """Those of the product, with their children."""
    names = ("web", "beat", *stage.pollers, *stage.sweepers, *stage.workers)
    parents = [psutil.Process(pid) for name in names if (pid := stage.stack.pid(name))]
    return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
