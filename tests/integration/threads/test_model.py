"""Any interleaving of pushes, blobs, acknowledgements, removals, leaving, returns, roles, recoveries, rotations by an
owner or the service, trims, new epochs and an emptied Redis, on a model."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from core.clock import clock
from models.threads import MemberRole
from services.delivery.epoch import begin_epoch
from services.stores import Stores
from services.threads.audit import verify_thread
from services.threads.encoding import SERVICE_MEMBER
from services.threads.errors import ThreadNotFound
from services.threads.keysets import read_keys, read_keyset
from services.threads.membership import NewMember, add_member, remove_member
from services.threads.reading import describe_threads, read_range
from services.threads.service_device import load_service_device
from services.threads.tending import ThreadTender
from tests.tables import delete_all_rows
from tests.thread_devices import ClientDevice

from .blob_rules import DOCTOR, EVERYBODY, GUESTS, BlobRules
from .member_rules import MemberRules
from .recovery_rules import RecoveryRules
from .room import NURSE, PATIENT, Room, caller

_HASH = text("select hash from welno.welno_thread_keysets where thread_id = :id and generation = :generation")
_HELD = text("select count(*) from welno.welno_thread_wraps where device_id = :device and generation = :generation")
_IS_DUE = text("select key_state = 'due' from welno.welno_threads where id = :id")


class ThreadMachine(BlobRules, RecoveryRules, MemberRules):
    """`told` is what every reader must hear, by number; `sent` are the envelopes that were accepted."""

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        stores.redis.flushall()
        with stores.engine.begin() as connection:
            delete_all_rows(connection)
        self.room = Room(stores)
        self.open_files()
        self.devices = {NURSE: self.room.nurse, PATIENT: self.room.patient, DOCTOR: ClientDevice(DOCTOR)}
        for device in self.devices.values():
            self.room.register(device)
        self.devices[SERVICE_MEMBER] = self.open_service()
        self.room.thread_id = self.room.create({PATIENT: MemberRole.WRITER})
        self.generation = 0
        self.told: list[str] = []
        self.sent: list[tuple[dict[str, Any], str, int]] = []
        self.visible_from = {NURSE: 1, PATIENT: 1}
        self.readable_from = {NURSE: 1, PATIENT: 1}
        self.trimmed = 0
        self.rotate()

    def open_service(self) -> ClientDevice:
        """The device of the back end, with its keys."""
        here = self.room.stores
        with here.threads(caller(NURSE)) as unit:
            here.service_member.ensure_device(unit)
        with here.sessions() as session:
            device = load_service_device(session, here.sealer)
        assert device is not None
        return ClientDevice(SERVICE_MEMBER, device.device_id, device.kem, device.sign)

    @property
    def is_served(self) -> bool:
        return SERVICE_MEMBER in self.visible_from

    def learn_key(self) -> None:
        """The generation that the service has just made, as the nurse's device opens it."""
        self.generation += 1
        with self.room.stores.threads(caller(NURSE)) as unit:
            [*_, key] = read_keys(unit, self.room.thread_id, self.room.nurse.device_id)["keys"]
        assert key["kid"] == self.kid
        self.room.secrets[self.kid] = self.room.nurse.open_wrap(key["wrapped"], self.room.thread_id, self.kid)
        with self.room.stores.sessions() as session:
            parameters = {"id": self.room.thread_id, "generation": self.generation}
            self.room.prev = session.execute(_HASH, parameters).scalar_one()
        self.told.append("key")
        self.note_generation()

    @property
    def kid(self) -> str:
        return f"k{self.generation}"

    def keyset(self, members: set[str]) -> Any:
        self.generation += 1
        self.room.secrets[self.kid] = bytes([self.generation % 256]) * 32
        secret, devices = self.room.secrets[self.kid], self.active_devices(members)
        told = self.room.nurse.keyset(self.room.thread_id, self.kid, secret, devices, self.room.prev)
        self.note_generation()
        new = read_keyset(self.room.thread_id, told)
        self.room.prev = new.claim.hash
        return new

    @rule()
    def rotate(self) -> None:
        self.generation += 1
        assert self.room.rotate(self.kid, self.active_devices(self.visible_from))
        self.told.append("key")
        self.note_generation()

    @rule(member=EVERYBODY, count=st.integers(1, 3))
    def push(self, member: str, count: int) -> None:
        if member in self.lost:
            return
        envelopes = [self.room.envelope(self.devices[member], self.kid) for _ in range(count)]
        for envelope, verdict in zip(envelopes, self.room.push(*envelopes, member=member), strict=True):
            if member not in self.visible_from:
                assert verdict.refusal == "THREAD_NOT_FOUND"
                continue
            self.told.append(envelope["dedupeId"])
            assert (verdict.status, verdict.seq) == ("accepted", len(self.told))
            self.sent.append((envelope, member, len(self.told)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def push_again(self, data: st.DataObject) -> None:
        envelope, member, seq = data.draw(st.sampled_from(self.sent))
        [verdict] = self.room.push(envelope, member=member)
        if member not in self.visible_from:
            assert verdict.refusal == "THREAD_NOT_FOUND"
        elif envelope["clientId"] in self.revoked:
            assert verdict.refusal == "UNKNOWN_DEVICE"
        else:
            assert (verdict.status, verdict.seq) == ("duplicate", seq)

    @rule()
    def push_under_an_older_key(self) -> None:
        """After a removal, or a newcomer without the history, no older key is taken; after a rotation it still is."""
        if self.generation > 1:
            [verdict] = self.room.push(self.room.envelope(self.room.nurse, f"k{self.generation - 1}"), member=NURSE)
            assert verdict.refusal in {None, "KEY_RETIRED"}
            if verdict.seq is not None:
                self.told.append(str(verdict.submission.echo()["dedupeId"]))

    @rule(member=st.sampled_from([PATIENT, DOCTOR, SERVICE_MEMBER]), by_service=st.booleans())
    def remove(self, member: str, by_service: bool) -> None:
        if member not in self.visible_from:
            return
        del self.visible_from[member]
        self.owners.discard(member)
        by_service = by_service and self.is_served
        keyset = None if by_service else self.keyset(set(self.visible_from))
        with self.room.stores.threads(caller(NURSE)) as unit:
            remove_member(unit, self.room.thread_id, member, keyset, self.room.stores.service_member)
        self.told.append("member_removed")
        self.note_key(by_service)

    def note_key(self, by_service: bool) -> None:
        if by_service:
            self.learn_key()
        else:
            self.told.append("key")

    @rule()
    def invite_the_service(self) -> None:
        if not self.is_served:
            self.visible_from[SERVICE_MEMBER] = len(self.told) + 1
            new = NewMember(SERVICE_MEMBER, MemberRole.WRITER, with_history=False)
            with self.room.stores.threads(caller(NURSE)) as unit:
                assert add_member(unit, self.room.thread_id, new, self.room.stores.service_member)
            self.told.append("member_added")
            self.learn_key()

    @rule()
    def sweep_a_key_that_is_due(self) -> None:
        here = self.room.stores
        with here.sessions.begin() as session:
            session.execute(text("update welno.welno_threads set key_state = 'due'"))
        assert ThreadTender(here.threads, here.service_member).tend_due() == int(self.is_served)
        if self.is_served:
            self.learn_key()

    @rule(member=GUESTS, with_history=st.booleans(), by_service=st.booleans())
    def invite(self, member: str, with_history: bool, by_service: bool) -> None:
        if member not in self.visible_from:
            self.visible_from[member] = 1 if with_history else len(self.told) + 1
            by_service = by_service and self.is_served
            keyset = None if with_history or by_service else self.keyset(set(self.visible_from))
            wraps = self.wraps_for(member) if with_history and not by_service else ()
            with self.room.stores.threads(caller(NURSE)) as unit:
                is_due = unit.session.execute(_IS_DUE, {"id": self.room.thread_id}).scalar_one()
                new = NewMember(member, MemberRole.WRITER, with_history, wraps, keyset)
                assert add_member(unit, self.room.thread_id, new, self.room.stores.service_member)
            self.told.append("member_added")
            if not with_history or (self.is_served and is_due):
                self.note_key(keyset is None)
            self.note_newcomer(member, with_history=with_history)
            if with_history and by_service:  # which may have come later than the older keys
                for device in self.active_devices([member]):
                    self.seal_all(self.room.nurse, device)

    def wraps_for(self, member: str) -> list[tuple[str, str, str]]:
        """All keys, by the owner's client."""
        secrets, devices = self.open_keys(self.room.nurse), self.active_devices([member])
        thread_id, kids = self.room.thread_id, {f"k{generation}": one for generation, one in secrets.items()}
        return [
            (kid, device.device_id, device.wrap(secret, thread_id, kid))
            for kid, secret in kids.items()
            for device in devices
        ]

    @rule()
    def empty_redis(self) -> None:
        self.room.stores.redis.flushall()

    @rule()
    def begin_another_epoch(self) -> None:
        with self.room.stores.sessions.begin() as session:
            begin_epoch(session, clock.now())
        self.room.stores.events._epoch = ("", -1.0)

    @rule(share=st.floats(0, 1))
    def trim(self, share: float) -> None:
        self.trimmed = max(self.trimmed, int(share * len(self.told)))
        parameters = {"id": self.room.thread_id, "seq": self.trimmed}
        with self.room.stores.sessions.begin() as session:
            session.execute(text("update welno.welno_threads set trimmed_seq = :seq where id = :id"), parameters)
            gone = "update welno.welno_thread_items set payload = null where thread_id = :id and seq <= :seq"
            session.execute(text(gone), parameters)
        self.room.stores.streams.forget(self.room.subject)

    @invariant()
    def every_member_reads_what_is_theirs_and_nobody_else_learns_of_it(self) -> None:
        for member in self.devices:
            with self.room.stores.threads(caller(member)) as unit:
                if member not in self.visible_from:
                    assert describe_threads(unit) == []
                    with pytest.raises(ThreadNotFound):
                        read_range(unit, self.room.thread_id, first=1, last=None)
                    continue
                page = read_range(unit, self.room.thread_id, first=1, last=None)
            begin = max(self.visible_from[member], self.trimmed + 1)
            assert [one.seq for one in page.items] == list(range(begin, len(self.told) + 1))
            names = [one.body.get("event") or one.body["envelope"]["dedupeId"] for one in page.items]
            assert names == self.told[begin - 1 :]

    @invariant()
    def the_service_holds_the_newest_key_while_it_is_in_and_no_longer(self) -> None:
        parameters = {"device": self.devices[SERVICE_MEMBER].device_id, "generation": self.generation}
        with self.room.stores.sessions() as session:
            assert session.execute(_HELD, parameters).scalar_one() == int(self.is_served)

    @invariant()
    def whoever_follows_hears_every_number_once_and_in_order(self) -> None:
        heard = [one.seq for one in self.room.read_all(after=self.trimmed)]
        assert heard == list(range(self.trimmed + 1, len(self.told) + 1))

    def teardown(self) -> None:
        super().teardown()
        with self.room.stores.sessions() as session:
            verified = verify_thread(session, self.room.thread_id)
        assert verified is not None
        assert verified.is_whole


@pytest.mark.timeout(400)  # each step opens all that is sealed, with real cryptography
def test_any_interleaving_is_as_the_model_says(stores: Stores):
    run_state_machine_as_test(
        lambda: ThreadMachine(stores),
        settings=settings(
            max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
