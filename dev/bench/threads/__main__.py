"""Measures the threads beside one commit plus XADDs, in one run.

    python -m dev.bench.threads --writers 8 --pushes 50 --sleeping 10000 --behind 10000

push: envelopes accepted and delivered over HTTP, in batches of 1, 10 and 100, all writers on one thread and each on a
thread of their own. node: the same through a Node server with ioredis, which promises less: Redis alone keeps them, and
nobody's rights, keys, duplicates or audit are looked at. inline: CPU of the same in one process, beside one commit plus
XADDs (the floor, which knows no members, keys, duplicates or audit). sleeping: threads that are followed while nothing
happens. catching-up: a reader who comes back. blobs: pictures and reports in parts and ranges. service: stored records
that the back end sends into threads, beside the same envelopes pushed by clients. links: SMART Health Links made and
opened, beside plain inserts and a plain file. Prints tables and, as the last line, the same figures as JSON.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.bench.chaos.workloads.threads.members import BenchThreads
from dev.bench.relay.peers import PeerMissing
from dev.bench.results import Metrics, Results
from dev.bench.temporary_stack import open_stack
from dev.bench.threads.blobs import measure_blobs
from dev.bench.threads.catching_up import measure_catching_up
from dev.bench.threads.inline import InlineBench
from dev.bench.threads.links import LinksBench
from dev.bench.threads.peer import node_program
from dev.bench.threads.pushing import PushLoad, measure_pushes, open_correspondence
from dev.bench.threads.service import measure_service
from dev.bench.threads.sleeping import SleepingBench
from dev.local.stack import Stack

_PROCESSES = ("web", "worker", "sweeper")
_OF_SLEEPERS = ("web", "sweeper")
_STORES = ("postgres", "valkey")
_BATCHES = (1, 10, 100)
_MANY = 1_000_000
MOST_LINKS = 1000
# All come from this machine's one address, and none of them pauses.
_SETTINGS = {
    "WELNO_BODY_LIMIT": f"{_MANY} per hour",
    "WELNO_SHL_FETCH_LIMIT": f"{_MANY} per minute",
    "WELNO_SHL_LINKS_MAX": f"{MOST_LINKS}",
    "WELNO_SHL_MAKE_LIMIT": f"{_MANY} per hour",
    "WELNO_SOCKETS_PER_ADDRESS": "10000",
    "WELNO_THREADS_ACT_LIMIT": f"{_MANY} per minute",
    "WELNO_THREADS_RATE": f"{_MANY} per minute",
}


@dataclass(frozen=True)
class ThreadOptions:
    parts: list[str]
    writers: int
    pushes: int
    payload_bytes: int
    sleeping: int
    idle_seconds: float
    behind: int
    blob_mib: int
    records: int
    record_bytes: int
    links: int
    link_bytes: int


class ThreadsBench:
    """One stack with a web process, and what it is not ready without."""

    def __init__(self, options: ThreadOptions, stack: Stack) -> None:
        self._options = options
        self._stack = stack
        self.threads = BenchThreads(stack.env)

    def push(self, results: Results) -> None:
        self._push(results, "push", self._stack.web_url, self._pids("web", *_STORES))

    def node(self, results: Results) -> None:
        try:
            program = node_program()
        except PeerMissing as exc:
            print(f"node: not measured: {exc}", flush=True)
            return
        self._stack.add(program)
        self._stack.start(program.name)
        self._stack.wait_ready()
        self._push(results, "node", str(program.url), self._pids(program.name, "valkey"))
        self._stack.stop(program.name)

    def _push(self, results: Results, section: str, url: str, pids: Mapping[str, int]) -> None:
        asked = self._options
        self._warm_up(url)
        found: dict[str, Metrics] = {}
        for is_shared, where in ((True, "one thread"), (False, f"{asked.writers} threads")):
            for batch in _BATCHES:
                talk = open_correspondence(self.threads, asked.writers, is_shared=is_shared)
                found[f"{batch} each, {where}"] = asyncio.run(measure_pushes(url, talk, self._load(batch), pids))
        results.add_table(section, found, prefixes=["accepted_", "delivered_"])

    def inline(self, results: Results) -> None:
        asked = self._options
        urls = {"postgres": self._stack.postgres.url, "valkey": self._stack.valkey.url}
        bench = InlineBench(self.threads, urls, self._pids(*_STORES))
        found: dict[str, Metrics] = {}
        for batch in _BATCHES:
            found |= bench.run(batch=batch, pushes=asked.pushes, payload_bytes=asked.payload_bytes)
        results.add_table("inline", found)

    def sleeping(self, results: Results) -> None:
        asked = self._options
        bench = SleepingBench(self.threads, self._stack.web_url, self._pids(*_OF_SLEEPERS))
        found = bench.run(count=asked.sleeping, idle_seconds=asked.idle_seconds, load=self._load(1))
        results.add_table("sleeping", found, prefixes=["accepted_", "delivered_"])

    def catching_up(self, results: Results) -> None:
        asked, pids = self._options, self._pids("web", *_STORES)
        found = measure_catching_up(
            self.threads, self._stack.web_url, pids, behind=asked.behind, payload_bytes=asked.payload_bytes
        )
        results.add_table("catching_up", found)

    def blobs(self, results: Results) -> None:
        asked, pids = self._options, self._pids("web", *_STORES)
        found = measure_blobs(self.threads, self._stack.web_url, pids, writers=asked.writers, blob_mib=asked.blob_mib)
        results.add_table("blobs", found)

    def service(self, results: Results) -> None:
        asked, pids = self._options, self._pids("web", "worker", *_STORES)
        sizes = {"patients": asked.writers, "records": asked.records, "record_bytes": asked.record_bytes}
        results.add_table("service", measure_service(self.threads, self._stack.web_url, pids, **sizes))

    def links(self, results: Results) -> None:
        asked, pids = self._options, self._pids("web", *_STORES)
        bench = LinksBench(self.threads, self._stack.web_url, self._stack.postgres.url, pids)
        found = bench.run(patients=asked.writers, links=asked.links, link_bytes=asked.link_bytes)
        results.add_table("links", found)

    def close(self) -> None:
        self.threads.close()

    def _warm_up(self, url: str) -> None:
        """What a server does once is not what an envelope costs."""
        talk = open_correspondence(self.threads, 1, is_shared=True)
        asyncio.run(measure_pushes(url, talk, PushLoad(1, 1, 1, self._options.payload_bytes), {}))

    def _load(self, batch: int) -> PushLoad:
        asked = self._options
        return PushLoad(asked.writers, asked.pushes, batch, asked.payload_bytes)

    def _pids(self, *names: str) -> dict[str, int]:
        return {name: pid for name in names if (pid := self._stack.pid(name))}


Part = Callable[[ThreadsBench, Results], None]
PARTS: Mapping[str, Part] = {
    "push": ThreadsBench.push,
    "node": ThreadsBench.node,
    "inline": ThreadsBench.inline,
    "sleeping": ThreadsBench.sleeping,
    "catching-up": ThreadsBench.catching_up,
    "blobs": ThreadsBench.blobs,
    "service": ThreadsBench.service,
    "links": ThreadsBench.links,
}


def read_options(arguments: Sequence[str]) -> ThreadOptions:
    parser = argparse.ArgumentParser(
        prog="python -m dev.bench.threads", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--writers", type=int, default=8, help="who push at the same time")
    parser.add_argument("--pushes", type=int, default=50, help="of each writer, in each form")
    parser.add_argument("--payload-bytes", type=int, default=1024, help="of ciphertext in an envelope")
    parser.add_argument("--sleeping", type=int, default=10_000, help="threads that are followed and silent")
    parser.add_argument("--idle-seconds", type=float, default=20, help="for which they are looked at")
    parser.add_argument("--behind", type=int, default=10_000, help="envelopes that a reader has missed")
    parser.add_argument("--blob-mib", type=int, default=20, help="of each writer's picture")
    parser.add_argument("--records", type=int, default=200, help="that each writer, as a patient, has sent")
    parser.add_argument("--record-bytes", type=int, default=2048, help="of text in a record")
    parser.add_argument("--links", type=int, default=50, help=f"that each writer makes and opens, {MOST_LINKS} at most")
    parser.add_argument("--link-bytes", type=int, default=20_000, help="of a link's file, about")
    return ThreadOptions(**vars(parser.parse_args(arguments)))


@contextmanager
def _open_bench(options: ThreadOptions) -> Iterator[ThreadsBench]:
    with (
        open_stack(_PROCESSES, _SETTINGS, within=Path(tempfile.gettempdir())) as stack,
        closing(ThreadsBench(options, stack)) as bench,
    ):
        stack.wait_ready()
        yield bench


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("threads", vars(options))
    print(f"threads: {', '.join(options.parts)}", flush=True)
    with _open_bench(options) as bench:
        for part in options.parts:
            PARTS[part](bench, results)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
