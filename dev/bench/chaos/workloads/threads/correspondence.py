"""The threads of the workload: who is in them, and what the stores hold of them at the end."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import text

from core.names import thread_subject
from dev.bench.chaos.stream_ends import find_behind
from dev.bench.chaos.workloads.threads.blob_actors import PlannedBlob
from dev.bench.chaos.workloads.threads.blob_reading import read_blobs
from dev.bench.chaos.workloads.threads.link_actors import MadeLink
from dev.bench.chaos.workloads.threads.link_reading import read_links
from dev.bench.chaos.workloads.threads.members import BenchMember, BenchThreads
from dev.bench.chaos.workloads.threads.sendings import RecordSendings
from dev.bench.chaos.workloads.threads.thread_history import BlobHistory, LinkHistory, NumberedItem
from services.delivery.event_log import read_epoch
from services.threads.audit import list_audited, verify_thread

_ENDS = text("select id, last_seq from welno.welno_threads")
_ITEMS = text("select thread_id, seq, dedupe_id::text from welno.welno_thread_items order by thread_id, seq")


class WorkloadThreads:
    """Made and looked at past the proxies. Its owner is in all of them, and only reads. `close` it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._threads = BenchThreads(env)
        self._stores = self._threads.stores
        self.sendings = RecordSendings(self._stores)
        self.owner = self._threads.add_member()

    def add_members(self, count: int) -> list[BenchMember]:
        return [self._threads.add_member() for _ in range(count)]

    def add_thread(self, members: Sequence[BenchMember]) -> str:
        return self._threads.add_thread(self.owner, members)

    def add_patient(self, records: int, record_bytes: int) -> BenchMember:
        return self._threads.add_patient(records, record_bytes)

    def add_served_thread(self, patient: BenchMember) -> str:
        """In which the service is, too."""
        return self._threads.add_served_thread(self.owner, [patient])

    def read_blobs(self, url: str, readers: Mapping[BenchMember, Iterable[PlannedBlob]]) -> BlobHistory:
        return read_blobs(self._stores, self._env, url, readers)

    def read_links(self, made: Iterable[MadeLink]) -> LinkHistory:
        return read_links(self._stores, made)

    def read_epoch(self) -> str:
        with self._stores.sessions() as session:
            return read_epoch(session)

    def read_ends(self) -> dict[str, int]:
        with self._stores.sessions() as session:
            return {row[0]: row[1] for row in session.execute(_ENDS)}

    def read_items(self) -> dict[str, list[NumberedItem]]:
        items: dict[str, list[NumberedItem]] = {}
        with self._stores.sessions() as session:
            for thread_id, seq, dedupe_id in session.execute(_ITEMS):
                items.setdefault(thread_id, []).append(NumberedItem(seq, dedupe_id))
        return items

    def find_behind(self) -> list[str]:
        return find_behind(
            self._stores, {thread_subject(thread_id): seq for thread_id, seq in self.read_ends().items()}
        )

    def find_broken_audits(self) -> list[str]:
        with self._stores.sessions() as session:
            verified = {thread_id: verify_thread(session, thread_id) for thread_id in list_audited(session)}
        return [thread_id for thread_id, one in verified.items() if one is None or not one.is_whole]

    def close(self) -> None:
        self._threads.close()
