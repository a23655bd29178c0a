"""What members do with a printed recovery code, as a part of the threads' model: print one, print another in its place,
lose whatever device they had, and come back with a new one and the code alone."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import text

from models.threads import DeviceState, DeviceType
from services.threads.devices import approve_device, find_devices, register_device, revoke_device
from services.threads.encoding import read_kid
from services.threads.errors import NotOwnDevice, ThreadNotFound
from services.threads.keysets import add_wraps, read_keys
from services.threads.texts import DeviceApproval
from tests.recovery_codes import PrintedCode, device_of_code
from tests.thread_devices import ClientDevice, check_of, open_envelope

from .blob_rules import DOCTOR, EVERYBODY
from .room import NURSE, PATIENT, Room, caller

PEOPLE = (NURSE, PATIENT, DOCTOR)
_WRAPS = text("select device_id::text, generation, wrapped from welno.welno_thread_wraps where thread_id = :id")


class RecoveryRules(RuleBasedStateMachine):
    """Mixed into the machine of one thread. `devices` has the newest of each member; whoever is `lost` does not have it
    any more, though the server may not know. `may_open` are the generations that were ever theirs to know, of which
    those from `readable_from` on are theirs to read."""

    room: Room
    told: list[str]
    visible_from: dict[str, int]
    devices: dict[str, ClientDevice]
    generation: int

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, PrintedCode] = {}
        self.replaced: list[PrintedCode] = []
        self.lost: set[str] = set()
        self.revoked: set[str] = set()
        self.may_open: dict[str, set[int]] = {member: set() for member in PEOPLE}
        self.readable_from: dict[str, int] = {}
        self._opened: dict[str, bytes] = {}

    def active_devices(self, members: Iterable[str]) -> list[ClientDevice]:
        """As the server knows them: a key is sealed to the printed codes, too."""
        known = [self.devices[member] for member in members]
        known += [self.codes[member].device for member in members if member in self.codes]
        return [one for one in known if one.device_id not in self.revoked]

    def note_generation(self) -> None:
        """The newest one, which whoever is a member by then may know."""
        for member in self.may_open.keys() & self.visible_from.keys():
            self.may_open[member].add(self.generation)

    def note_newcomer(self, member: str, *, with_history: bool) -> None:
        self.readable_from[member] = 1 if with_history else self.generation
        if with_history:
            self.may_open[member].update(range(1, self.generation + 1))

    @rule(member=EVERYBODY)
    def print_code(self, member: str) -> None:
        if member not in self.lost:
            self._print(member)

    @rule(member=EVERYBODY, is_revoked=st.booleans())
    def lose_devices(self, member: str, is_revoked: bool) -> None:
        """Of which the server may hear at once, by the login alone, or only after the recovery. The owner comes back at
        once: what waits for a key would wait for them."""
        if member not in self.lost:
            self._lose(member, is_revoked=is_revoked)
            if member == NURSE:
                self._recover(NURSE)

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def recover(self, data: st.DataObject) -> None:
        self._recover(data.draw(st.sampled_from(sorted(self.lost))))

    @rule(member=EVERYBODY, is_revoked=st.booleans(), prints_another=st.booleans())
    def come_back_at_once(self, member: str, is_revoked: bool, prints_another: bool) -> None:
        if member not in self.lost:
            self._lose(member, is_revoked=is_revoked)
        self._recover(member)
        if prints_another:
            self._print(member)

    @precondition(lambda self: self.replaced)
    @rule(data=st.data())
    def try_a_replaced_code(self, data: st.DataObject) -> None:
        self._try_replaced(data.draw(st.sampled_from(self.replaced)))

    @invariant()
    def every_device_opens_all_that_its_member_reads(self) -> None:
        """Also a printed code, and a device whose loss nobody has told."""
        held = self._open_wraps()
        items = self.room.items(NURSE)
        for device in self.active_devices(self.visible_from.keys() & set(PEOPLE)):
            secrets = held.get(device.device_id, {})
            assert set(range(self.readable_from[device.member], self.generation + 1)) <= secrets.keys()
            for item in items:
                if "envelope" in item and item["seq"] >= self.visible_from[device.member]:
                    kid = item["envelope"]["enc"]["kid"]
                    assert open_envelope(item["envelope"], secrets[read_kid(kid) or 0]) == b"hello"

    @invariant()
    def nothing_is_sealed_to_a_device_that_is_gone_or_for_somebody_who_was_not_in(self) -> None:
        people = {one.device_id: one.member for one in self.active_devices(PEOPLE)}
        service = {one.device_id for member, one in self.devices.items() if member not in PEOPLE}
        for device_id, secrets in self._open_wraps().items():
            assert device_id in service or secrets.keys() <= self.may_open[people[device_id]]

    @invariant()
    def whoever_is_out_is_handed_no_key(self) -> None:
        for device in self.active_devices(set(PEOPLE) - self.visible_from.keys()):
            with pytest.raises(ThreadNotFound):
                self.open_keys(device)

    def _open_wraps(self) -> dict[str, dict[int, bytes]]:
        """All that is sealed, by device and generation, as whoever has the private keys opens it."""
        devices = {one.device_id: one for one in [*self.devices.values(), *self.active_devices(PEOPLE)]}
        with self.room.stores.sessions() as session:
            rows = session.execute(_WRAPS, {"id": self.room.thread_id}).all()
        held: dict[str, dict[int, bytes]] = {}
        for device_id, generation, wrapped in rows:
            kid = f"k{generation}"
            assert device_id in devices, "sealed to a device that is gone"
            if wrapped not in self._opened:
                self._opened[wrapped] = devices[device_id].open_wrap(wrapped, self.room.thread_id, kid)
            assert self._opened[wrapped] == self.room.secrets[kid]
            held.setdefault(device_id, {})[generation] = self._opened[wrapped]
        return held

    def open_keys(self, device: ClientDevice) -> dict[int, bytes]:
        """The secrets of all generations that are sealed to it, each as its maker's."""
        found: dict[int, bytes] = {}
        with self.room.stores.threads(caller(device.member)) as unit:
            keys = read_keys(unit, self.room.thread_id, device.device_id)["keys"]
        for key in keys:
            if key["wrapped"] is not None:
                secret = device.open_wrap(key["wrapped"], self.room.thread_id, key["kid"])
                assert check_of(secret, self.room.thread_id, key["kid"]) == key["check"]
                found[read_kid(key["kid"]) or 0] = secret
        return found

    def seal_all(self, opener: ClientDevice, device: ClientDevice) -> None:
        """Whatever the one can open, to the other."""
        if opener.member not in self.visible_from:
            return
        for generation, secret in self.open_keys(opener).items():
            kid = f"k{generation}"
            with self.room.stores.threads(caller(opener.member)) as unit:
                wrapped = device.wrap(secret, self.room.thread_id, kid)
                add_wraps(unit, self.room.thread_id, kid, {device.device_id: wrapped})

    def _print(self, member: str) -> None:
        """As the page does: the older one goes when the new one can open what the device can."""
        printed = PrintedCode.make(member)
        assert self._register(printed.device, DeviceType.RECOVERY) == DeviceState.PENDING
        self._approve(self.devices[member], printed.device)
        self.seal_all(self.devices[member], printed.device)
        older = self.codes.get(member)
        self.codes[member] = printed
        if older is not None:
            self._revoke(older.device)
            self.replaced.append(older)
            self._try_replaced(older)

    def _lose(self, member: str, *, is_revoked: bool) -> None:
        """Whoever has no code could not come back."""
        if member not in self.codes:
            self._print(member)
        self.lost.add(member)
        if is_revoked:
            self._revoke(self.devices[member])

    def _try_replaced(self, printed: PrintedCode) -> None:
        phone = ClientDevice(printed.device.member)
        assert self._register(phone) == DeviceState.PENDING
        with pytest.raises(NotOwnDevice):
            self._approve(printed.device, phone)
        for device in (printed.device, phone):
            if device.member in self.visible_from:
                assert self.open_keys(device) == {}
        self._revoke(phone, is_told=False)

    def _recover(self, member: str) -> None:
        phone = ClientDevice(member)
        assert self._register(phone) == DeviceState.PENDING
        if member in self.visible_from:
            assert self.open_keys(phone) == {}
        printed = self._find_by_code(self.codes[member].text, member)
        self._approve(printed, phone)
        self.seal_all(printed, phone)
        if self.devices[member].device_id not in self.revoked:
            self._revoke(self.devices[member])
        self.devices[member] = phone
        self.lost.remove(member)
        if member == NURSE:
            self.room.nurse = phone

    def _find_by_code(self, code: str, member: str) -> ClientDevice:
        """As a page finds it that knows nothing but the letters: among the member's devices, by the public keys."""
        derived = device_of_code(code, member)
        with self.room.stores.sessions() as session:
            codes = [one for one in find_devices(session, [member]) if one.type == DeviceType.RECOVERY]
        [found] = [one for one in codes if (one.kem_key, one.sign_key) == (derived.kem_key, derived.sign_key)]
        return replace(derived, device_id=str(found.device_id))

    def _register(self, device: ClientDevice, kind: DeviceType = DeviceType.BROWSER) -> str:
        with self.room.stores.threads(caller(device.member)) as unit:
            return str(register_device(unit, device.claim, device_type=kind)[0].state)

    def _approve(self, approver: ClientDevice, device: ClientDevice) -> None:
        told = approver.approval_of(device)
        approval = DeviceApproval(told["approvedBy"], told["createdAt"], told["sig"])
        with self.room.stores.threads(caller(device.member)) as unit:
            approve_device(unit, UUID(device.device_id), approval)
        self._tell(device, "device_added")

    def _revoke(self, device: ClientDevice, *, is_told: bool = True) -> None:
        with self.room.stores.threads(caller(device.member)) as unit:
            revoke_device(unit, UUID(device.device_id))
        self.revoked.add(device.device_id)
        if is_told:
            self._tell(device, "device_revoked")

    def _tell(self, device: ClientDevice, event: str) -> None:
        if device.member in self.visible_from:
            self.told.append(event)
