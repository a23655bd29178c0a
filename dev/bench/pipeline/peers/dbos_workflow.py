"""DBOS with as many steps, each a PUBLISH: `python dev/bench/pipeline/peers/dbos_workflow.py STEPS`.

With the packages of `dev/requirements/bench.txt`, which the product does not need. One workflow after the other, in one
process: the cheapest way that DBOS has. A load as `load_process` describes it, which imports
nothing of ours.
"""

# mypy: disable-error-code="import-not-found,untyped-decorator,misc"
import json
import os
import sys
import time
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSConfig
from redis import Redis

steps = int(sys.argv[1])
store: Redis = Redis.from_url(os.environ["REDIS_URL"])
url = os.environ["BENCH_DBOS_URL"]
config: DBOSConfig = {
    "name": "bench",
    "system_database_url": url,
    "log_level": "ERROR",
    "run_admin_server": False,
}
DBOS(config=config)


@DBOS.step()
def publish(session_id: str, number: int) -> None:
    """One step."""
    store.publish("bench:dbos", f"{session_id} {number}")


@DBOS.workflow()
def collect(session_id: str) -> None:
    """One collection."""
    for number in range(steps):
        publish(session_id, number)


def run(count: int) -> dict[str, Any]:
    """Time of each workflow, and the CPU time of this process."""
    began, cpu, latencies = time.perf_counter(), time.process_time(), []
    for _ in range(count):
        started = time.perf_counter()
        collect(str(uuid4()))
        latencies.append(time.perf_counter() - started)
    spent = time.process_time() - cpu
    return {"seconds": time.perf_counter() - began, "latencies": latencies, "cpu_seconds": spent}


def main() -> None:
    DBOS.launch()
    run(5)
    for line in sys.stdin:
        count = int(line)
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(run(count)), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main()
