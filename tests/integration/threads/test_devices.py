"""Devices against what happens at the same moment: a revoked one is sealed nothing, and gets nothing."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from services.threads.devices import revoke_device
from services.threads.errors import WrapsIncomplete
from services.threads.keysets import add_wraps, read_keys
from tests.waiting import wait_until

from .room import NURSE, PATIENT, Room, caller

_DROP_WRAPS = text("delete from welno.welno_thread_wraps where device_id = :device")


def revoke(room: Room) -> None:
    with room.stores.threads(caller(PATIENT)) as unit:
        revoke_device(unit, UUID(room.patient.device_id))


def count_wraps(room: Room) -> int:
    query = text("select count(*) from welno.welno_thread_wraps where device_id = :device")
    with room.stores.sessions() as session:
        return int(session.execute(query, {"device": room.patient.device_id}).scalar_one())


def test_a_wrap_that_is_made_while_its_device_is_revoked_goes_with_it(room: Room):
    """The revocation waits for whoever seals, and neither for the other."""
    wrapped = room.patient.wrap(room.secrets["k1"], room.thread_id, "k1")
    with room.stores.sessions.begin() as session:
        session.execute(_DROP_WRAPS, {"device": room.patient.device_id})
    with ThreadPoolExecutor(1) as pool:
        with room.stores.threads(caller(NURSE)) as unit:
            assert add_wraps(unit, room.thread_id, "k1", {room.patient.device_id: wrapped}) == 1
            revoked = pool.submit(revoke, room)
            wait_until(room.has_waiting_lock, every=0.005)
        revoked.result(timeout=10)
    assert count_wraps(room) == 0
    with pytest.raises(WrapsIncomplete), room.stores.threads(caller(NURSE)) as unit:
        add_wraps(unit, room.thread_id, "k1", {room.patient.device_id: wrapped})


def test_sealing_and_revoking_at_once_do_not_wait_for_each_other(room: Room):
    """A wrap that is there stays: who seals it again waits for its row, which the revocation must not have before the
    thread's."""
    wrapped = room.patient.wrap(room.secrets["k1"], room.thread_id, "k1")
    with ThreadPoolExecutor(1) as pool:
        with room.stores.threads(caller(NURSE)) as unit:
            add_wraps(unit, room.thread_id, "k1", {})
            revoked = pool.submit(revoke, room)
            wait_until(room.has_waiting_lock, every=0.005)
            assert add_wraps(unit, room.thread_id, "k1", {room.patient.device_id: wrapped}) == 0
        revoked.result(timeout=10)
    assert count_wraps(room) == 0


def test_what_is_sealed_is_given_to_an_active_device_alone(room: Room):
    for state in ("pending", "revoked"):
        with room.stores.sessions.begin() as session:
            change = text("update welno.welno_thread_devices set state = :state where device_id = :device")
            session.execute(change, {"state": state, "device": room.patient.device_id})
        with room.stores.threads(caller(PATIENT)) as unit:
            keys = read_keys(unit, room.thread_id, room.patient.device_id)["keys"]
        assert [one["wrapped"] for one in keys] == [None]
