"""A bucket's calls from threads, through conflicts and clocks that are apart, and how many of them there are."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from core.clock import Clock
from spool import AnswerKind, DataType, FileTaken, KeptAnswer, Metadata, Package, Spool, StorageFault
from tests.integration.spool.actions import RAW
from tests.integration.spool.bucket_fixtures import bucket, bucket_url
from tests.integration.spool.buckets import BUCKET, Bucket, RefusedClient, WatchedClient
from tests.integration.spool.conftest import NOW, ROTATED, SEALER, SESSION, complete, package
from tests.integration.spool.test_streamed import OWNER

__all__ = ["bucket", "bucket_url"]
PATIENT = "7c1f0e9a-invented"


@pytest.fixture
def spool(bucket: Bucket, clock: Clock) -> Spool:
    return bucket.spool(clock)


def test_a_process_with_cooperative_sockets_calls_from_its_loop_and_from_threads(bucket: Bucket):
    where = (bucket.address.endpoint_url, f"s3://{BUCKET}/{bucket.address.prefix}")
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.spool.cooperative", *where],
        capture_output=True,
        timeout=240,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "24"), done.stderr


def test_a_proof_whose_answer_was_lost_stops_no_start(bucket: Bucket, clock: Clock):
    class RepeatedByTheLibrary(WatchedClient):
        def before(self, name: str) -> None:
            if self.made == ["put_object"]:
                raise ClientError(
                    {"Error": {"Code": "PreconditionFailed"}, "ResponseMetadata": {"HTTPStatusCode": 412}}, name
                )

        def __getattr__(self, name: str) -> Callable[..., Any]:
            call = super().__getattr__(name)

            def lost(**arguments: Any) -> Any:
                if name == "put_object" and not self.made:
                    bucket.client.put_object(**arguments)
                return call(**arguments)

            return lost

    bucket.spool(clock, RepeatedByTheLibrary(bucket.client)).ensure_folders()
    assert bucket.all_keys() == []


# Another conditional write of the same key is under way


class ConflictingClient(RefusedClient):
    def __init__(self, client: Any, at: int, *, lasting: bool = False) -> None:
        super().__init__(client, at, "ConditionalRequestConflict", 409, lasting=lasting)


def test_a_write_that_met_another_is_asked_for_again(bucket: Bucket, clock: Clock):
    conflicting = ConflictingClient(bucket.client, 2)  # the first call looks for the answer
    bucket.spool(clock, conflicting).put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    assert conflicting.made == ["get_object", "put_object", "put_object"]
    assert bucket.spool(clock).read_incoming(SESSION, AnswerKind.HEALTH).body == RAW


def test_a_write_that_is_never_decided_is_no_answer_that_was_kept(bucket: Bucket, clock: Clock):
    with pytest.raises(StorageFault) as caught:
        bucket.spool(clock, ConflictingPuts(bucket.client)).put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    assert (caught.value.reason, caught.value.retryable) == ("busy", True)
    assert bucket.all_keys() == []


def test_a_write_that_lost_to_another_is_found_out_by_a_look(bucket: Bucket, clock: Clock, spool: Spool):
    name = spool.put_pending(package())
    again = bucket.spool(clock, ConflictingPuts(bucket.client))
    again.storage.put_new(again.storage.root / "pending" / name, b"of another", 0)
    assert spool.export(name).raw_data == package().raw_data


class ConflictingPuts(WatchedClient):
    def before(self, name: str) -> None:
        if name == "put_object":
            ConflictingClient(None, 1).refuse(name)


# The store's machines tell times that are apart


class ApartClient(WatchedClient):
    """Answers looks with the time of another machine."""

    def __init__(self, client: Any, apart: timedelta) -> None:
        super().__init__(client)
        self._apart = apart

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = super().__getattr__(name)

        def answer(**arguments: Any) -> Any:
            given = call(**arguments)
            headers = given["ResponseMetadata"]["HTTPHeaders"]
            headers["date"] = format_datetime(parsedate_to_datetime(headers["date"]) + self._apart, usegmt=True)
            return given

        return answer


def test_clocks_that_are_a_little_apart_give_nobody_a_claim_that_is_held(bucket: Bucket, clock: Clock):
    spool = Spool(bucket.engine(lease_seconds=5), SEALER, clock)
    name = spool.put_pending(package())
    apart = ApartClient(bucket.client, timedelta(seconds=8))
    with spool.claim(name), pytest.raises(FileTaken):
        complete(Spool(bucket.engine(apart, lease_seconds=5), SEALER, clock), name)
    complete(spool, name)


@pytest.mark.parametrize("apart", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_a_store_whose_clocks_are_further_apart_is_refused(bucket: Bucket, clock: Clock, apart: timedelta):
    with pytest.raises(StorageFault) as caught:
        bucket.spool(clock, ApartClient(bucket.client, apart)).ensure_folders()
    assert caught.value.reason == "clocks_apart"
    assert bucket.all_keys() == []


@pytest.mark.parametrize("apart", [timedelta(hours=-12), timedelta(hours=12)])
def test_a_hosts_own_clock_gives_it_no_claim(bucket: Bucket, clock: Clock, spool: Spool, apart: timedelta):
    name = spool.put_pending(package())
    with spool.claim(name), Clock().frozen(NOW + apart) as wrong, pytest.raises(FileTaken):
        complete(bucket.spool(wrong), name)


def test_who_stood_still_in_the_middle_of_a_move_takes_nothing_away(bucket: Bucket, clock: Clock, spool: Spool):
    name = spool.put_pending(package())

    class StandsStill(WatchedClient):
        def after(self, call: str) -> None:
            if call == "copy_object":  # another takes it over, fails, and it is offered once more
                bucket.expire_leases()
                spool.fail(name, "refused")
                spool.requeue(name)

    late = bucket.spool(clock, StandsStill(bucket.client))
    with late.claim(name) as claimed, pytest.raises(FileTaken):
        late.fail(claimed, "late")
    assert f"pending/{name}" in bucket.files()
    assert spool.export(name).raw_data == package().raw_data


# Requests


def _save(spool: Spool, patient: str = PATIENT) -> str:
    session_id = str(uuid4())
    spool.put_pending(Package(Metadata(session_id, DataType.PATIENT, patient, "PEERNINE", NOW), {}))
    return session_id


def test_a_patients_sessions_are_found_without_opening_a_file(bucket: Bucket, clock: Clock, spool: Spool):
    mine, _ = _save(spool), [_save(spool, f"{n}-invented") for n in range(5)]
    watched = WatchedClient(bucket.client)
    assert bucket.spool(clock, watched).sessions_of(PATIENT) == [mine]
    assert watched.made == ["list_objects_v2"] * 2  # one for each key
    assert not [key for key in bucket.all_keys() if PATIENT in key]


def test_what_is_noted_of_a_patient_goes_with_the_files(bucket: Bucket, clock: Clock, spool: Spool):
    mine, others = _save(spool), _save(spool, "other-invented")
    spool.erase([mine])
    assert spool.sessions_of(PATIENT) == []
    assert spool.sessions_of("other-invented") == [others]
    spool.erase([others])
    assert bucket.all_keys() == []


def test_a_patients_sessions_are_found_after_a_rotation_of_keys(bucket: Bucket, clock: Clock, spool: Spool):
    mine = _save(spool)
    rotated = Spool(spool.storage, ROTATED, clock)
    assert rotated.sessions_of(PATIENT) == [mine]
    rotated.reseal()
    assert set(rotated.count_sealing_keys()) == {"new"}
    assert rotated.sessions_of(PATIENT) == [mine]
    assert len([key for key in bucket.all_keys() if key.startswith(".owners/")]) == 1


def test_a_day_is_cleaned_up_with_few_requests(bucket: Bucket, clock: Clock, spool: Spool):
    kept = _save(spool)
    for _ in range(9):
        session_id = _save(spool)
        complete(spool, spool.names_of(session_id)[0].name)
    watched = WatchedClient(bucket.client)
    with Clock().frozen(NOW + timedelta(days=40)) as later:
        assert bucket.spool(later, watched).clean_completed() == 9
    assert len(watched.made) < 9 + 25
    assert {key.split("/")[0] for key in bucket.all_keys()} == {".owners", ".sessions", "pending"}
    assert spool.sessions_of(PATIENT) == [kept]


def test_a_file_that_was_completed_is_found_with_few_requests(bucket: Bucket, clock: Clock, spool: Spool):
    for day in range(12):
        with Clock().frozen(NOW - timedelta(days=day)) as then:
            earlier = bucket.spool(then)
            complete(earlier, earlier.names_of(_save(earlier))[0].name)
    session_id = _save(spool)
    watched = WatchedClient(bucket.client)
    bucket.spool(clock, watched).names_of(session_id)
    assert len(watched.made) <= 20


# Uploads


class KeyedUploads(WatchedClient):
    """A store that tells of uploads only who names their key, as MinIO does."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == "list_multipart_uploads":
            return lambda **_: {}
        return super().__getattr__(name)


def _unfinished(bucket: Bucket) -> list[Any]:
    return bucket.client.list_multipart_uploads(Bucket=BUCKET, Prefix=bucket.address.prefix).get("Uploads", [])


def _leave_an_upload(spool: Spool) -> None:
    writer = spool.interviews.begin(OWNER, "original")
    writer.write(bytes(20_000_000))


def test_uploads_of_the_dead_go_where_they_cannot_be_listed(bucket: Bucket, clock: Clock):
    spool = bucket.spool(clock, KeyedUploads(bucket.client))
    _leave_an_upload(spool)
    spool.sweep_temporary()
    assert len(_unfinished(bucket)) == 1  # it may still grow
    with Clock().frozen(NOW + timedelta(days=3650)) as much_later:
        bucket.spool(much_later, KeyedUploads(bucket.client)).sweep_temporary()
    assert (_unfinished(bucket), bucket.all_keys()) == ([], [])


def test_uploads_of_an_erased_owner_go_where_they_cannot_be_listed(bucket: Bucket, clock: Clock):
    spool = bucket.spool(clock, KeyedUploads(bucket.client))
    _leave_an_upload(spool)
    spool.interviews.drop_all(uuid4())
    assert len(_unfinished(bucket)) == 1
    spool.interviews.drop_all(OWNER)
    assert (_unfinished(bucket), bucket.all_keys()) == ([], [])
