"""Scans and the cache of the hospital while others scan and change at the same time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Barrier, Event

import pytest
import redis
from sqlalchemy import event, text

from models.journey import NfcTag, TagAction
from services.journey.dynamic_tags import take_reading
from services.journey.hospital_cache import HospitalCache
from services.journey.sun import SunPair
from services.journey.tags import ScannedBy, TagReplayed, canonical_uid, log_scan
from tests.integration.journey.ward import Ward
from tests.sun_tags import SunTag

_SCANS = 6


def test_of_the_same_scan_many_times_at_once_one_is_logged(ward: Ward):
    together, by = Barrier(_SCANS), ScannedBy(ward.patient().user_id, "device-1")

    def scan(_: int) -> bool:
        with ward.stores.unit_of_work() as work:
            together.wait(timeout=20)
            return log_scan(work.session, TagAction.SCAN, tag_id="T-1", said="said", by=by)

    with ThreadPoolExecutor(_SCANS) as pool:
        assert sorted(pool.map(scan, range(_SCANS))) == [False] * (_SCANS - 1) + [True]
    assert len(ward.rows("select 1 from welno.tag_logs")) == 1


def test_a_reading_that_somebody_is_taking_is_waited_for_and_not_taken_again(ward: Ward):
    chip = SunTag()
    with ward.stores.sessions.begin() as session:
        tag = session.get_one(NfcTag, "T-1")
        tag.tag_uid = canonical_uid(chip.uid) or ""
        ward.stores.tag_keys.set(tag, chip.key)
    pair, is_taken = SunPair(**chip.read()), Event()

    def take(_: int) -> bool:
        with ward.stores.unit_of_work() as work:
            if is_taken.is_set():
                with pytest.raises(TagReplayed):
                    take_reading(work.session, ward.stores.tag_keys, work.session.get_one(NfcTag, "T-1"), pair)
                return False
            take_reading(work.session, ward.stores.tag_keys, work.session.get_one(NfcTag, "T-1"), pair)
            is_taken.set()
            other = pool.submit(take, 1)
            assert not wait([other], timeout=0.5).done
        return other.result(timeout=20)

    with ThreadPoolExecutor(2) as pool:
        assert not pool.submit(take, 0).result(timeout=20)


def test_what_was_read_before_a_change_is_not_kept_after_it(ward: Ward, redis_client: redis.Redis):
    cache = HospitalCache(redis_client, ward.stores.sessions)
    cache.forget()
    with changed_after_reading(ward, cache):
        assert _is_active(cache)
    assert not _is_active(cache)


def _is_active(cache: HospitalCache) -> bool:
    return next(tag.is_active for tag in cache.look().tags if tag.tag_id == "T-1")


@contextmanager
def changed_after_reading(ward: Ward, cache: HospitalCache) -> Iterator[None]:
    """Somebody switches the tag off, and says so, while it was read but not kept yet."""
    waiting = [text("update welno.nfc_tags set is_active = false where tag_id = 'T-1'")]

    def act(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if waiting and "retired" in statement:
            with ward.stores.sessions.begin() as session:
                session.execute(waiting.pop())
            cache.forget()

    event.listen(ward.stores.engine, "after_cursor_execute", act)
    yield
    event.remove(ward.stores.engine, "after_cursor_execute", act)
