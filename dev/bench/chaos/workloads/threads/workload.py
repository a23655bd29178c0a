"""The threads under load: members who push, put up larger things, have records sent and make links, readers who stay,
and what must hold of all that."""

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from dev.bench.chaos.acting_clients import ActingClients, ActionProbe
from dev.bench.chaos.checker import Violation
from dev.bench.chaos.cluster import WorkerKind
from dev.bench.chaos.event_stream_client import EventStreamClient
from dev.bench.chaos.faults import Injection, KillMoment
from dev.bench.chaos.history import WorkChange, WorkState
from dev.bench.chaos.recorder import DatabaseRecorder
from dev.bench.chaos.system import SystemUnderTest
from dev.bench.chaos.workload import WorkloadOptions
from dev.bench.chaos.workloads.threads.actors import CorrespondentActor
from dev.bench.chaos.workloads.threads.blob_actors import BlobActor, PlannedBlob
from dev.bench.chaos.workloads.threads.checks import check_threads
from dev.bench.chaos.workloads.threads.correspondence import WorkloadThreads
from dev.bench.chaos.workloads.threads.link_actors import LinkActor, LinkBoard
from dev.bench.chaos.workloads.threads.members import BenchMember
from dev.bench.chaos.workloads.threads.record_actors import RecordAsker
from dev.bench.chaos.workloads.threads.socket_reader import ThreadSocketReader
from dev.bench.chaos.workloads.threads.thread_history import NumberedItem, ThreadHistory
from dev.bench.results import Metrics

AnyThreadActor = CorrespondentActor | BlobActor | RecordAsker | LinkActor
_THREADS = 6
# More would wait for two processors rather than for what is killed.
_MOST_MEMBERS = 60
_BLOB_ACTORS = 4
# Of every so many members one is a patient, within these bounds.
_PATIENTS, _MEMBERS_PER_PATIENT = (2, 6), 4
# Several come with the same link at once.
_GUESTS_PER_PATIENT = 2
# More records than the task writes in one transaction, and for each second patient longer than an envelope.
_RECORDS = ((70, 300), (12, 60_000))


class ThreadsWorkload:
    """Every thread has several writers, a reader by server-sent events, and the one socket that follows all."""

    follows_new_epochs = False
    workers = WorkerKind()
    # Limits that no person meets.
    settings: Mapping[str, str] = {
        "WELNO_BODY_LIMIT": "1000000 per hour",
        "WELNO_SHL_FETCH_LIMIT": "1000000 per minute",
        "WELNO_SHL_LINKS_MAX": "1000",
        "WELNO_SHL_LOCATION_SECONDS": "3600",
        "WELNO_SHL_MAKE_LIMIT": "1000000 per hour",
        "WELNO_THREADS_ACT_LIMIT": "1000000 per minute",
        "WELNO_THREADS_RATE": "1000000 per minute",
    }

    def __init__(self, options: WorkloadOptions) -> None:
        self._options = options
        self._rng = random.Random(f"{options.seed} threads")
        self._threads: WorkloadThreads
        self._clients: ActingClients
        self._socket: ThreadSocketReader
        self._url = ""
        self._actors: list[CorrespondentActor] = []
        self._blob_actors: list[BlobActor] = []
        self._askers: list[RecordAsker] = []
        self._link_actors: list[LinkActor] = []
        self._board = LinkBoard()
        self._streams: list[EventStreamClient] = []
        self._following: list[Future[None]] = []

    @property
    def kill_moments(self) -> Mapping[str, KillMoment]:
        return {}

    def setup(self, system: SystemUnderTest, recorder: DatabaseRecorder) -> None:
        del recorder
        url = self._url = system.web_url
        self._threads = WorkloadThreads(system.env)
        members = self._threads.add_members(min(max(self._options.people, _THREADS), _MOST_MEMBERS))
        thread_ids = [self._threads.add_thread(members[number::_THREADS]) for number in range(_THREADS)]
        for number, member in enumerate(members):
            own = thread_ids[number % _THREADS]
            self._actors.append(CorrespondentActor(member, own, [one for one in thread_ids if one != own]))
        self._add_blob_actors(thread_ids, members)
        thread_ids += self._add_patients(len(members))
        rng = random.Random(f"{self._options.seed} clients")
        self._clients = ActingClients(url, self._all_actors, rng, self._options.arrivals)
        epoch, token = self._threads.read_epoch(), self._threads.owner.token
        self._socket = ThreadSocketReader(url, token, thread_ids, epoch)
        self._streams = [
            EventStreamClient(f"{url}/api/threads/{one}/events", one, token, f"{epoch}:0") for one in thread_ids
        ]

    def _add_blob_actors(self, thread_ids: Sequence[str], members: Sequence[BenchMember]) -> None:
        """In the name of members who also write there, by the same device: a person does both at once."""
        for number, member in enumerate(members[:_BLOB_ACTORS]):
            self._blob_actors.append(BlobActor(member, thread_ids[number % _THREADS], []))

    def _add_patients(self, members: int) -> list[str]:
        """Each with a thread of their own, which is returned."""
        least, most = _PATIENTS
        thread_ids = []
        for number in range(min(max(members // _MEMBERS_PER_PATIENT, least), most)):
            patient = self._threads.add_patient(*_RECORDS[number % len(_RECORDS)])
            thread_ids.append(self._threads.add_served_thread(patient))
            self._askers.append(RecordAsker(patient, thread_ids[-1]))
            self._link_actors += [LinkActor(patient, self._board) for _ in range(_GUESTS_PER_PATIENT)]
        return thread_ids

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
        return not self._clients.under_way and self._threads.sendings.are_ended()

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
        writers: list[CorrespondentActor | BlobActor] = [*actors, *self._blob_actors]
        history = ThreadHistory(
            injections=injections,
            sent=frozenset(envelope["dedupeId"] for actor in writers for envelope in actor.sent),
            acknowledged={name: receipt for actor in writers for name, receipt in actor.acknowledged.items()},
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
                *(odd for actor in self._all_actors for odd in actor.oddities),
                *(odd for one in self._readers for odd in one.oddities),
            ],
            sendings=self._threads.sendings.read(),
            sendings_told=frozenset(one for asker in self._askers for one in asker.sendings.values()),
            blobs=self._threads.read_blobs(self._url, self._blob_readers()),
            links=self._threads.read_links(self._board.links),
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
            **self._count_others(history),
        }

    def _count_others(self, history: ThreadHistory) -> Metrics:
        told = history.links.told.values()
        return {
            "sendings_of_records": len(history.sendings),
            "requests_for_records": sum(len(asker.sendings) for asker in self._askers),
            "record_messages": sum(len(one.messages) for one in history.sendings.values()),
            "blobs_completed": len(history.blobs.completed),
            "blobs_given_up": sum(len(actor.given_up) for actor in self._blob_actors),
            "links_made": len(history.links.told),
            "locations_asked": sum(len(one.locations) for one in told),
            "files_taken_at_locations": sum(one.files_taken for one in history.links.stored.values()),
            "wrong_passcodes_told": sum(len(one.remaining) for one in told),
        }

    def _blob_readers(self) -> Mapping[BenchMember, Sequence[PlannedBlob]]:
        """The owner of all threads, and whoever put it up."""
        own = {actor.member: actor.completed for actor in self._blob_actors}
        return {self._threads.owner: [blob for blobs in own.values() for blob in blobs], **own}

    @property
    def _all_actors(self) -> list[AnyThreadActor]:
        return [*self._actors, *self._blob_actors, *self._askers, *self._link_actors]

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
