"""What must hold of collections, whatever was killed: nothing lost, nothing done twice, nothing left behind."""

from collections import Counter
from collections.abc import Iterator

from dev.bench.chaos.checker import Violation, doubled, left_over, lost
from dev.bench.chaos.workloads.collection.collection_history import CollectionHistory
from dev.bench.chaos.workloads.collection.product import DATA_TYPES, EventBody
from dev.bench.chaos.workloads.collection.purchases import explain_repeats


def check_collections(history: CollectionHistory) -> list[Violation]:
    checks = (
        _check_ends,
        _check_committed_events,
        _check_streams,
        _check_steps,
        _check_purchases,
        _check_files,
        _check_records,
        _check_reports,
        _check_clients,
        _check_leftovers,
    )
    return [violation for check in checks for violation in check(history)]


def _check_ends(history: CollectionHistory) -> Iterator[Violation]:
    """A run whose client was never told its id is nobody's: it expires."""
    clients = history.clients_by_session
    for session_id, run in history.runs.items():
        client = clients.get(session_id)
        if client is None or client.asked_at is None:
            continue
        if run.status != "completed" or run.run_state != "ended":
            yield lost(f"{session_id} stands at {run.step}: {run.run_state}, {run.status}, {run.error_code}")
    for session_id, client in clients.items():
        if session_id not in history.runs:
            yield lost(f"{session_id} was promised at {client.began_at:.3f} and is unknown")


def _check_committed_events(history: CollectionHistory) -> Iterator[Violation]:
    for session_id, last in history.ends.items():
        numbers = [seq for seq, _ in history.committed.get(session_id, [])]
        if numbers != list(range(1, last + 1)):
            yield lost(f"{session_id}: the log holds {numbers}, the last number given is {last}")
    for run in history.completed:
        ends = [is_end(body) for _, body in history.committed.get(run.session_id, [])]
        if ends.count(True) != 1 or not ends[-1]:
            yield doubled(f"{run.session_id}: completed {ends.count(True)} times, last: {ends[-1:]}")


def _check_streams(history: CollectionHistory) -> Iterator[Violation]:
    """What Redis still has: the log's events under the log's numbers, without holes, up to the end. One that lost its
    data has nothing, or begins later: its readers are answered from the log."""
    for session_id, events in history.streams.items():
        if events and events != history.committed[session_id][-len(events) :]:
            yield lost(f"{session_id}: its stream {[seq for seq, _ in events]} is not the end of the log")


def is_end(body: EventBody) -> bool:
    return bool(body["type"] == "streaming_status" and body["status"] == "completed")


def _check_steps(history: CollectionHistory) -> Iterator[Violation]:
    """Who was told to ask again has them done once more."""
    clients = history.clients_by_session
    for session_id, step, count in history.repeated_steps:
        client = clients.get(session_id)
        if client is not None and count <= 1 + client.asked_again:
            continue
        yield doubled(f"{session_id}: {step} was done {count} times")


def _check_purchases(history: CollectionHistory) -> Iterator[Violation]:
    for repeat in explain_repeats(history):
        if repeat.is_violation:
            yield doubled(repeat.describe())


def _check_files(history: CollectionHistory) -> Iterator[Violation]:
    """Each package holds one of the answers as it was served; the balance in it tells one answer from another. It may
    have gone with the disk of the file store, whose records are in the database by then, or are fetched anew."""
    lost_at = max((one.at for one in history.injections if one.lost_files), default=None)
    for run in history.completed:
        for kind in DATA_TYPES:
            key = (run.session_id, kind)
            first = min(history.arrived.get(key, ()), default=None)
            if key not in history.files and lost_at is not None and first is not None and first <= lost_at:
                continue
            if history.files.get(key) not in history.served.get(key, set()):
                yield lost(f"{run.session_id}: the file of the {kind} is not what was served")


def _check_records(history: CollectionHistory) -> Iterator[Violation]:
    """What went with the disk of the file store before it was imported has to be told as failed."""
    for patient_uuid, kind in {**history.served_records, **history.failed_records}:
        expected = history.served_records.get((patient_uuid, kind), set())
        failed = history.failed_records.get((patient_uuid, kind), set())
        stored = Counter(history.stored_records.get((patient_uuid, kind), []))
        required = expected if history.has_lost_files else expected | failed
        if missing := required - set(stored):
            yield lost(f"patient {patient_uuid}: {len(missing)} {kind} are missing")
        if stored.total() > len(expected | failed):
            yield doubled(f"patient {patient_uuid}: {stored.total()} {kind} of {len(expected | failed)}")


def _check_reports(history: CollectionHistory) -> Iterator[Violation]:
    for tid, count in history.paid_reports.items():
        if count > 1:
            yield doubled(f"report {tid} was paid {count} times")
    clients = history.clients_by_session
    sessions_of = Counter(client.person for client in history.clients)
    for run in history.completed:
        client = clients.get(run.session_id)
        wants_report = client is not None and client.wants_report and bool(run.health_count)
        # A person keeps the newest report only, so one of an earlier session may have been replaced.
        came_once = client is not None and sessions_of[client.person] == 1
        if wants_report and came_once and run.session_id not in history.made_reports:
            yield lost(f"{run.session_id}: its report was never made")


def _check_clients(history: CollectionHistory) -> Iterator[Violation]:
    epochs_begun = sum(one.began_epoch for one in history.injections)
    for session_id, client in history.clients_by_session.items():
        if client.asked_at is not None and client.ended_at is None:
            yield lost(f"{session_id}: its client never saw the end")
        if client.resyncs > epochs_begun:
            yield lost(f"{session_id}: its client was told to start anew")
        for error in client.errors:
            yield doubled(f"{session_id}: its client saw {error}")
        if len(client.completed_in) != len(set(client.completed_in)):
            yield doubled(f"{session_id}: its client saw completed twice")


def _check_leftovers(history: CollectionHistory) -> Iterator[Violation]:
    yield from map(left_over, history.leftover_files)
    for run in history.runs.values():
        if run.run_state == "ended" and run.has_secrets:
            yield left_over(f"{run.session_id} is ended and still has secrets")
