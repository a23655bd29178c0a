"""What the spool promises of a folder it promises of a bucket, and what only a bucket can do wrong."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import pytest

from core.clock import Clock
from spool import AnswerKind, DamagedFile, FileTaken, KeptAnswer, Spool, StorageFault
from spool.errors import UnknownFile
from spool.objects import BucketAddress, connect_bucket
from tests.integration.spool import test_resealing, test_rooms, test_store, test_streamed
from tests.integration.spool.actions import RAW
from tests.integration.spool.bucket_fixtures import bucket, bucket_url
from tests.integration.spool.buckets import BUCKET, Bucket, RefusedClient, WatchedClient
from tests.integration.spool.conftest import ROTATED, SEALER, SESSION, complete, package
from tests.waiting import wait_until

__all__ = ["bucket", "bucket_url"]
PROCESSES = multiprocessing.get_context("spawn")
FILES = 12
# The others of these modules look at the folder itself.
_OF_A_FOLDER = {
    "test_nothing_readable_lies_on_disk",
    "test_files_and_folders_are_for_the_owner_only",
    "test_folders_that_were_open_are_closed",
    "test_listing_ignores_what_is_not_ours",
    "test_listing_many_files_needs_little_memory",
    "test_symbolic_links_are_not_followed",
    "test_completing_twice_changes_nothing",
    "test_only_parked_files_can_be_discarded",
    "test_held_file_cannot_be_requeued_twice",
    "test_clean_up_removes_old_completed_files_only",
    "test_clean_up_forgets_sessions_without_files",
    "test_sweep_spares_young_temporary_files",
}
_OF_ANY_ENGINE = ("test_a_file_is_there_once_it_is_committed", "test_one_file_is_dropped_and_the_others_stay")

for _name, _test in vars(test_store).items():
    if _name.startswith("test_") and _name not in _OF_A_FOLDER:
        globals()[_name] = _test
for _name in _OF_ANY_ENGINE:
    globals()[_name] = getattr(test_streamed, _name)


@pytest.fixture
def spool(bucket: Bucket, clock: Clock) -> Spool:
    return bucket.spool(clock)


def test_nothing_readable_lies_in_the_bucket(spool: Spool, bucket: Bucket):
    spool.put_pending(package(raw={"name": test_store.CANARY}))
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(test_store.CANARY.encode()))
    assert not [key for key in bucket.all_keys() if test_store.CANARY.encode() in bucket.content(key)]


def test_a_file_bears_the_name_that_it_has_in_a_folder(spool: Spool, bucket: Bucket):
    name = spool.put_pending(package())
    assert bucket.files() == [f"pending/{name}"]
    complete(spool, name)
    assert bucket.files() == [f"completed/2026/11/21/{name}"]
    assert spool.counts() == {"incoming": 0, "pending": 0, "completed": 1, "failed": 0, "parked": 0}


def test_a_claim_that_has_ended_leaves_nothing(spool: Spool, bucket: Bucket):
    complete(spool, spool.put_pending(package()))
    spool.erase([SESSION])
    assert bucket.all_keys() == []


def test_a_file_held_by_another_host_is_taken(spool: Spool, bucket: Bucket, clock: Clock):
    name, other = spool.put_pending(package()), bucket.spool(clock)
    with spool.claim(name):
        for call in (lambda: complete(other, name), lambda: other.fail(name, "late"), lambda: other.park(name, "late")):
            with pytest.raises(FileTaken):
                call()
    complete(other, name)


def test_who_has_lost_a_claim_moves_nothing(spool: Spool, bucket: Bucket, clock: Clock):
    """Its host stood still for longer than the lease, and another took the file over."""
    name, other = spool.put_pending(package()), bucket.spool(clock)
    with spool.claim(name) as late:
        bucket.expire_leases()
        with other.claim(name):
            with pytest.raises(FileTaken):
                spool.complete(late)
            assert bucket.files() == [f"pending/{name}"]
        complete(other, name)
    assert bucket.files() == [f"completed/2026/11/21/{name}"]


def test_a_claim_is_renewed_while_its_holder_lives(bucket: Bucket, clock: Clock):
    watched = WatchedClient(bucket.client)
    spool = Spool(bucket.engine(watched, lease_seconds=0.3), SEALER, clock)
    name = spool.put_pending(package())
    with spool.claim(name):
        before = watched.made.count("put_object")
        wait_until(lambda: watched.made.count("put_object") >= before + 3)
    complete(spool, name)


def import_all(url: str, prefix: str, start: Barrier, taken: Connection) -> None:
    spool = Bucket(url, prefix).spool(Clock())
    names = spool.list_pending()
    start.wait(60)
    taken.send([name for name in names if _try_import(spool, name)])


def _try_import(spool: Spool, name: str) -> bool:
    try:
        complete(spool, name)
    except (FileTaken, UnknownFile):
        return False
    return True


def hold_forever(url: str, prefix: str, name: str, held: Connection) -> None:
    bucket = Bucket(url, prefix)
    with Spool(bucket.engine(lease_seconds=1, apart_seconds=1), SEALER, Clock()).claim(name):
        held.send(os.getpid())
        signal.pause()


def test_two_processes_import_each_file_once(spool: Spool, bucket: Bucket):
    names = [spool.put_pending(package(session_id=f"{n:08x}-0000-4000-8000-000000000000")) for n in range(FILES)]
    start, pipes = PROCESSES.Barrier(2), [PROCESSES.Pipe(duplex=False) for _ in range(2)]
    where = (bucket.address.endpoint_url, bucket.address.prefix)
    running = [PROCESSES.Process(target=import_all, args=(*where, start, sender)) for _, sender in pipes]
    for process in running:
        process.start()
    assert all(receiver.poll(90) for receiver, _ in pipes)
    first, second = (receiver.recv() for receiver, _ in pipes)
    for process in running:
        process.join(30)
    assert sorted([*first, *second]) == sorted(names)
    assert spool.counts()["completed"] == FILES


def test_a_file_of_a_killed_process_is_free_after_its_lease(bucket: Bucket, clock: Clock):
    spool = Spool(bucket.engine(lease_seconds=1, apart_seconds=1), SEALER, clock)
    name = spool.put_pending(package())
    receiver, sender = PROCESSES.Pipe(duplex=False)
    where = (bucket.address.endpoint_url, bucket.address.prefix)
    worker = PROCESSES.Process(target=hold_forever, args=(*where, name, sender))
    worker.start()
    assert receiver.poll(90)
    with pytest.raises(FileTaken):
        complete(spool, name)
    worker.kill()
    worker.join(30)
    wait_until(lambda: _try_import(spool, name))


def test_leases_of_the_dead_are_swept(bucket: Bucket, clock: Clock):
    spool = Spool(bucket.engine(lease_seconds=0.5, apart_seconds=1), SEALER, clock)
    name = spool.put_pending(package())
    bucket.put(f".leases/{name}", b"of one that died")
    with pytest.raises(FileTaken):
        complete(spool, name)
    wait_until(lambda: spool.sweep_temporary() and not [key for key in bucket.all_keys() if key.startswith(".leases")])
    complete(spool, name)


def test_damaged_bytes_are_never_returned(spool: Spool, bucket: Bucket):
    name = spool.put_pending(package())
    whole = bucket.content(f"pending/{name}")
    for stored, reason in ((b"", "truncated"), (whole[:-1], "truncated"), (whole + b"\0", "sealed")):
        bucket.put(f"pending/{name}", stored)
        with pytest.raises(DamagedFile) as caught, spool.claim(name):
            pytest.fail("a damaged file was handed out")
        assert caught.value.reason == reason
    assert spool.park(name, "sealed").parked
    assert bucket.content(f"failed/{name}") == whole + b"\0"


def test_every_file_is_sealed_anew_once(spool: Spool, bucket: Bucket, clock: Clock):
    test_resealing.full.__wrapped__(spool)
    rotated, before = Spool(spool.storage, ROTATED, clock), bucket.files()
    assert dict(rotated.count_sealing_keys()) == {"test": 6}  # with what is noted of the patient's file
    assert (rotated.reseal(), rotated.reseal()) == (test_resealing.Resealed(done=6), test_resealing.Resealed())
    assert dict(rotated.count_sealing_keys()) == {"new": 6}
    assert rotated.read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
    assert bucket.files() == before


def test_a_file_that_is_erased_while_it_is_sealed_anew_stays_away(bucket: Bucket, clock: Clock):
    spool = bucket.spool(clock)
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))

    class ErasedMeanwhile(WatchedClient):
        def before(self, name: str) -> None:
            if name == "put_object" and self.made.count(name) == 3:  # taking the lease, being sure of it, and then this
                spool.erase([SESSION])

    Spool(bucket.engine(ErasedMeanwhile(bucket.client)), ROTATED, clock).reseal()
    assert bucket.files() == []


@pytest.mark.parametrize("size", [10, 20_000_000])
def test_a_streamed_file_is_sent_in_parts_and_comes_whole(spool: Spool, bucket: Bucket, size: int):
    body = os.urandom(size)
    spool.interviews.put(test_streamed.OWNER, "original", body)
    assert spool.interviews.read_whole(test_streamed.OWNER, "original") == body
    assert bucket.client.list_multipart_uploads(Bucket=BUCKET, Prefix=bucket.address.prefix).get("Uploads", []) == []


def test_an_upload_that_is_given_up_or_left_is_gone(spool: Spool, bucket: Bucket):
    for give_up in (lambda writer: writer.abort(), lambda _: spool.interviews.drop_all(test_streamed.OWNER)):
        writer = spool.interviews.begin(test_streamed.OWNER, "original")
        writer.write(os.urandom(20_000_000))
        give_up(writer)
        assert (
            bucket.client.list_multipart_uploads(Bucket=BUCKET, Prefix=bucket.address.prefix).get("Uploads", []) == []
        )
        with pytest.raises(StorageFault):
            writer.keep()
    assert bucket.all_keys() == []


def test_an_archive_comes_and_goes_with_its_patient(spool: Spool, bucket: Bucket):
    for _ in range(2):
        spool.archives.put(test_streamed.OWNER, test_streamed.OWNER, b"zip", 0)
    assert spool.archives.read(test_streamed.OWNER, test_streamed.OWNER) == b"zip"
    assert spool.archives.count(test_streamed.OWNER) == 1
    spool.archives.drop_all(test_streamed.OWNER)
    assert bucket.all_keys() == []


REFUSALS = {
    "AccessDenied": (403, "access_denied"),
    "InternalError": (500, "io_error"),
    "NoSuchBucket": (404, "missing"),
    "QuotaExceeded": (403, "disk_full"),
    "SlowDown": (503, "throttled"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_bucket_that_refuses_is_found_out_before_anything_is_paid(bucket: Bucket, clock: Clock, code: str):
    status, reason = REFUSALS[code]
    refused = bucket.spool(clock, RefusedClient(bucket.client, 1, code, status, lasting=True))
    for call in (
        lambda: refused.reserve_room(1),
        refused.prove_writable,
        lambda: refused.find_incoming(SESSION, AnswerKind.HEALTH),
    ):
        with pytest.raises(StorageFault) as caught:
            call()
        assert (caught.value.reason, caught.value.retryable) == (reason, True)


def test_a_bucket_that_is_not_there_is_not_taken_for_an_empty_one(bucket: Bucket, clock: Clock):
    elsewhere = BucketAddress("welno-gone", endpoint_url=bucket.address.endpoint_url)
    spool = Spool(type(bucket.engine())(connect_bucket(elsewhere), elsewhere), SEALER, clock)
    for call in (lambda: spool.find_incoming(SESSION, AnswerKind.HEALTH), spool.list_pending):
        with pytest.raises(StorageFault) as caught:
            call()
        assert caught.value.reason == "missing"


def test_a_bucket_that_is_away_is_told_in_bounded_time(bucket_url: str, clock: Clock):
    address = BucketAddress(BUCKET, endpoint_url="http://127.0.0.1:9", timeout_seconds=0.2)
    spool = Spool(Bucket("http://127.0.0.1:9", "p").engine(connect_bucket(address)), SEALER, clock)
    with pytest.raises(StorageFault) as caught:
        spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    assert caught.value.reason == "unreachable"


def test_a_store_without_conditional_writes_is_refused(bucket: Bucket, clock: Clock):
    class Unconditional(WatchedClient):
        def __getattr__(self, name: str) -> object:
            call = super().__getattr__(name)
            return lambda IfNoneMatch=None, **arguments: call(**arguments)  # noqa: N803 as S3 spells it

    with pytest.raises(StorageFault) as caught:
        bucket.spool(clock, Unconditional(bucket.client)).ensure_folders()
    assert caught.value.reason == "no_conditional_writes"
    bucket.spool(clock).ensure_folders()
    assert bucket.all_keys() == []


def test_an_answer_keeps_the_time_of_its_writing(spool: Spool, clock: Clock):
    room = spool.reserve_room(test_rooms.MIB)
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW, test_rooms.ABOUT), room)
    room.close()
    assert spool.incoming_written_at(SESSION, AnswerKind.HEALTH) == clock.now()
    assert spool.read_incoming(SESSION, AnswerKind.HEALTH).about == test_rooms.ABOUT
