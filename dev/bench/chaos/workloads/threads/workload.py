"""The threads under load: members who push and push again, readers who stay, and what must hold of both."""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from dev.bench.chaos.acting_clients import ActingClients, ActionProbe
from dev.bench.chaos.checker import Violation
from dev.bench.chaos.cluster import Cluster, WorkerKind
from dev.bench.chaos.event_stream_client import EventStreamClient
from dev.bench.chaos.faults import Injection, KillMoment
from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.threads.actors import CorrespondentActor
from dev.bench.chaos.workloads.threads.checks import check_threads
from dev.bench.chaos.workloads.threads.correspondence import WorkloadThreads
from dev.bench.chaos.workloads.threads.socket_reader import ThreadSocketReader
from dev.bench.chaos.workloads.threads.thread_history import NumberedItem, ThreadHistory
from dev.bench.results import Metrics

_THREADS = 6
# More would wait for two processors rather than for what is killed.
_MOST_MEMBERS = 60


class ThreadsWorkload:
    """Every thread has several writers, a reader by server-sent events, and the one socket that follows all."""

    workers = WorkerKind()
    # Limits that no person meets.
    settings: Mapping[str, str] = {
        "WELNO_BODY_LIMIT": "1000000 per hour",
        "WELNO_THREADS_ACT_LIMIT": "1000000 per minute",
        "WELNO_THREADS_RATE": "1000000 per minute",
    }

    def __init__(self, options: WorkloadOptions) -> None:
        self._options = options
        self._rng = random.Random(f"{options.seed} threads")
        self._threads: WorkloadThreads
        self._clients: ActingClients
        self._socket: ThreadSocketReader
        self._actors: list[CorrespondentActor] = []
        self._streams: list[EventStreamClient] = []
        self._following: list[Future[None]] = []

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        return {}

    def setup(self, cluster: Cluster, recorder: DatabaseRecorder) -> None:
        del recorder
        url = cluster.stack.web_url
        self._threads = WorkloadThreads(cluster.stack.env)
        members = self._threads.add_members(min(max(self._options.people, _THREADS), _MOST_MEMBERS))
        thread_ids = [self._threads.add_thread(members[number::_THREADS]) for number in range(_THREADS)]
        for number, member in enumerate(members):
            own = thread_ids[number % _THREADS]
            self._actors.append(CorrespondentActor(member, own, [one for one in thread_ids if one != own]))
        rng = random.Random(f"{self._options.seed} clients")
        self._clients = ActingClients(url, self._actors, rng, self._options.arrivals)
        epoch, token = self._threads.read_epoch(), self._threads.owner.token
        self._socket = ThreadSocketReader(url, token, thread_ids, epoch)
        self._streams = [
            EventStreamClient(f"{url}/api/threads/{one}/events", one, token, f"{epoch}:0") for one in thread_ids
        ]

    def start(self) -> None:
        self._clients.open()
        self._following = [self._clients.run(one.follow()) for one in self._readers]

    def probe(self) -> ActionProbe:
        actor = self._rng.choice(self._actors)
        return self._clients.probe(actor, actor.list_path)

    def pids_at_work(self) -> set[int]:
        """Pushes are the web's, and last for milliseconds."""
        return set()

    def stop_clients(self) -> None:
        self._clients.stop_arrivals()

    def is_settled(self) -> bool:
        return not self._clients.under_way

    def has_upkeep_to_do(self) -> bool:
        """Streams and readers are still on their way to the ends."""
        ends = self._threads.read_ends()
        late = (one.last_seq < ends[one.name] for one in self._streams)
        return bool(self._threads.find_behind()) or any(late) or self._is_socket_late(ends)

    def close(self) -> None:
        for following in self._following:
            following.cancel()
        self._clients.close()

    def read_history(self, injections: Sequence[Injection]) -> ThreadHistory:
        actors, clients = self._actors, self._clients
        history = ThreadHistory(
            injections=injections,
            sent=frozenset(envelope["dedupeId"] for actor in actors for envelope in actor.sent),
            acknowledged={name: receipt for actor in actors for name, receipt in actor.acknowledged.items()},
            stored=self._threads.read_items(),
            read={
                "its socket": self._socket.items,
                "its event stream": {one.name: _heard(one) for one in self._streams},
            },
            ends=self._threads.read_ends(),
            behind=self._threads.find_behind(),
            broken_audits=self._threads.find_broken_audits(),
            trespasses=[sentence for actor in actors for sentence in actor.trespasses],
            oddities=[
                *clients.errors,
                *(odd for one in self._readers for odd in one.oddities),
            ],
            unanswered=clients.under_way,
            answers=clients.answers,
            duplicates=sum(actor.duplicates for actor in actors),
            reconnects=sum(one.connections - 1 for one in self._readers),
        )
        for probe in clients.probes:
            if probe.key:
                history.work[probe.key] = [WorkChange(probe.answered_at, WorkState.RUNNING, None, 1)]
        self._threads.close()
        return history

    def check(self, history: ThreadHistory) -> list[Violation]:
        return check_threads(history)

    def count(self, history: ThreadHistory) -> Metrics:
        return {
            "actions": sum(history.answers.values()),
            "envelopes_sent": len(history.sent),
            "envelopes_acknowledged": len(history.acknowledged),
            "duplicates_told": history.duplicates,
            "items": sum(history.ends.values()),
            "items_heard": sum(len(one) for heard in history.read.values() for one in heard.values()),
            "reconnects_of_readers": history.reconnects,
        }

    @property
    def _readers(self) -> list[EventStreamClient | ThreadSocketReader]:
        return [self._socket, *self._streams]

    def _is_socket_late(self, ends: Mapping[str, int]) -> bool:
        return any(self._socket.last_seq(thread_id) < ends[thread_id] for thread_id in self._socket.items)


def _heard(stream: EventStreamClient) -> list[NumberedItem]:
    return [
        NumberedItem(seq, event["envelope"]["dedupeId"] if "envelope" in event else None)
        for seq, event in stream.events
    ]
