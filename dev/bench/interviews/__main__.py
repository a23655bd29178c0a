"""Measures the interviews beside floors and peers, in one run.

    python -m dev.bench.interviews --readers 100 --rounds 120 --events 100 --sse-readers 1000 --interviews 100000

push: from the commit to the other browsers, beside a bare publish. savings: an hour of polling, also with ETag/304,
and of a stream: requests, messages, bytes, CPU. readers: what one weighs, beside a Flask generator with a Redis
subscription each. list: a page of 50 with row-level security, and without. extraction: each format in its child
process, and without one. uploads: a text, and a large file beside its bare write. search: words in what was said in all
interviews of a project, beside a plain LIKE. Prints tables and, as the last line, the
same figures as JSON.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.bench.interviews.company import BenchCompany
from dev.bench.interviews.extraction import measure_formats
from dev.bench.interviews.listing import measure_pages
from dev.bench.interviews.pushing import measure_publish, measure_push
from dev.bench.interviews.reader_memory import measure_readers
from dev.bench.interviews.savings import Hour, SavingsBench, compare
from dev.bench.interviews.searching import QUERIES, measure_search
from dev.bench.interviews.uploads import measure_uploads
from dev.bench.results import Results
from dev.bench.temporary_stack import open_stack
from dev.local.ports import LOOPBACK, pick_port
from dev.local.programs import Program
from dev.local.stack import Stack

_WEB, _PEER = "web", "peer"
# Its generators do not notice that their readers have left: it would wait for their next ping.
_PEER_OPTIONS = ("--worker-connections", "5000", "--graceful-timeout", "1")
# What the list of the polls has.
_LISTED = 50
# All come from this machine's one address.
_SETTINGS = {
    "WELNO_BODY_LIMIT": "1000000 per hour",
    "WELNO_CONNECTIONS_PER_ADDRESS": "5000",
    "WELNO_SOCKETS_PER_ADDRESS": "5000",
}


@dataclass(frozen=True)
class InterviewOptions:
    parts: list[str]
    readers: int
    rounds: int
    events: int
    sse_readers: int
    interviews: int
    reads: int
    lines: int
    files: int
    uploads: int
    upload_mib: int
    searched: int
    utterances: int
    searches: int


class InterviewBench:
    """One stack with a web process, and the peer on the same Redis."""

    def __init__(self, options: InterviewOptions, stack: Stack, web: Program, peer: Program) -> None:
        self._options = options
        self._stack = stack
        self._web_url, self._peer_url = str(web.url), str(peer.url)
        self.company = BenchCompany(stack.env, interviews=_LISTED)

    def push(self, results: Results) -> None:
        asked = self._options
        pushed = asyncio.run(measure_push(self.company, self._web_url, readers=asked.readers, events=asked.events))
        floor = measure_publish(self._stack.valkey.url, events=asked.events)
        results.add_table("push", {f"to {asked.readers} browsers": pushed, "redis-py publish to one": floor})

    def savings(self, results: Results) -> None:
        asked = self._options
        pids = {name: self._pid(name) for name in (_WEB, "postgres", "valkey")}
        hour = Hour(asked.readers, asked.rounds, asked.events)
        found = SavingsBench(self.company, self._web_url, pids).run(hour)
        results.add_table("savings", found)
        results.add("saved", compare(found, asked.events))

    def readers(self, results: Results) -> None:
        count = self._options.sse_readers
        headers = [one.header for one in self.company.add_readers(count)]
        path = f"/api/sse/projects/{self.company.project_id}"
        ours = asyncio.run(measure_readers(self._web_url, path, headers, self._pid(_WEB)))
        theirs = asyncio.run(measure_readers(self._peer_url, "/events", [""] * count, self._pid(_PEER)))
        results.add_table("readers", {"welno": ours, "a generator and a subscription each": theirs})

    def list(self, results: Results) -> None:
        asked = self._options
        results.add_table("list", measure_pages(self.company, interviews=asked.interviews, reads=asked.reads))

    def extraction(self, results: Results) -> None:
        results.add_table("extraction", measure_formats(lines=self._options.lines, rounds=self._options.files))

    def uploads(self, results: Results) -> None:
        asked, folder = self._options, self._stack.home
        found = measure_uploads(self.company, self._web_url, folder, uploads=asked.uploads, mib=asked.upload_mib)
        results.add_table("uploads", found)

    def search(self, results: Results) -> None:
        asked = self._options
        found = measure_search(
            self.company, interviews=asked.searched, utterances=asked.utterances, reads=asked.searches
        )
        results.add_table("search", found, prefixes=[f"{name}_" for name in QUERIES])

    def close(self) -> None:
        self.company.close()

    def _pid(self, name: str) -> int:
        pid = self._stack.pid(name)
        assert pid is not None
        return pid


Part = Callable[[InterviewBench, Results], None]
PARTS: Mapping[str, Part] = {
    "push": InterviewBench.push,
    "savings": InterviewBench.savings,
    "readers": InterviewBench.readers,
    "list": InterviewBench.list,
    "extraction": InterviewBench.extraction,
    "uploads": InterviewBench.uploads,
    "search": InterviewBench.search,
}


def read_options(arguments: Sequence[str]) -> InterviewOptions:
    parser = argparse.ArgumentParser(
        prog="python -m dev.bench.interviews", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--readers", type=int, default=100, help="connected browsers, and those that poll")
    parser.add_argument("--rounds", type=int, default=120, help="of polls and pings: an hour has 120 of 30 s")
    parser.add_argument("--events", type=int, default=100, help="that all of them get")
    parser.add_argument("--sse-readers", type=int, default=1000, help="that are weighed")
    parser.add_argument("--interviews", type=int, default=100_000, help="of the project whose first page is read")
    parser.add_argument("--reads", type=int, default=200, help="of that page, in each form")
    parser.add_argument("--lines", type=int, default=300, help="of each file that is read")
    parser.add_argument("--files", type=int, default=5, help="of each format; the median counts")
    parser.add_argument("--uploads", type=int, default=20, help="of each kind")
    parser.add_argument("--upload-mib", type=int, default=10)
    parser.add_argument("--searched", type=int, default=1000, help="interviews of the project that is searched")
    parser.add_argument("--utterances", type=int, default=200, help="of each of them")
    parser.add_argument("--searches", type=int, default=100, help="for each word, in each form")
    return InterviewOptions(**vars(parser.parse_args(arguments)))


@contextmanager
def _open_bench(options: InterviewOptions) -> Iterator[InterviewBench]:
    web = _gunicorn(_WEB, "dev.bench.interviews.web_app", "-c", "webapp/gunicorn_conf.py")
    peer = _gunicorn(_PEER, "dev.bench.interviews.peer_app", "-k", "gevent", *_PEER_OPTIONS)
    with open_stack((), _SETTINGS, within=Path(tempfile.gettempdir())) as stack:
        for program in (web, peer):
            stack.add(program)
            stack.start(program.name)
        with closing(InterviewBench(options, stack, web, peer)) as bench:
            stack.wait_ready()
            yield bench


def _gunicorn(name: str, module: str, *options: str) -> Program:
    port = pick_port()
    command = (sys.executable, "-m", "gunicorn", *options, "--bind", f"{LOOPBACK}:{port}", f"{module}:create_app()")
    return Program(name, command, f"http://{LOOPBACK}:{port}", "/healthz" if name == _WEB else "/")


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("interviews", vars(options))
    print(f"interviews: {', '.join(options.parts)}", flush=True)
    with _open_bench(options) as bench:
        for part in options.parts:
            PARTS[part](bench, results)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
