"""What members do about themselves and each other, as a part of the threads' model: acknowledge, leave, give roles."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy import text

from models.threads import MemberRole
from services.threads.errors import MalformedField, ThreadNotFound, ThreadRoleTooSmall
from services.threads.membership import change_role, remove_member
from services.threads.reading import acknowledge, describe_threads
from tests.thread_devices import ClientDevice

from .blob_rules import EVERYBODY, GUESTS
from .room import NURSE, Room, caller

_STANDS = text("""
    select thread.key_state, device.member from welno.welno_threads thread
    join welno.welno_thread_keysets keyset on keyset.thread_id = thread.id and keyset.generation = thread.key_generation
    join welno.welno_thread_devices device on device.device_id = keyset.created_by
    where thread.id = :id
""")


class MemberRules(RuleBasedStateMachine):
    """Mixed into the machine of one thread. `owners` are those beside the nurse, who stays one."""

    room: Room
    told: list[str]
    visible_from: dict[str, int]
    devices: dict[str, ClientDevice]
    lost: set[str]
    is_served: bool
    kid: str

    def __init__(self) -> None:
        super().__init__()
        self.owners: set[str] = set()
        self.acked: dict[str, int] = {}

    def learn_key(self) -> None:
        raise NotImplementedError

    @rule(member=EVERYBODY, share=st.floats(0, 1), beyond=st.booleans())
    def acknowledge(self, member: str, share: float, beyond: bool) -> None:
        seq = len(self.told) + 1 if beyond else int(share * len(self.told))
        with self.room.stores.threads(caller(member)) as unit:
            if member not in self.visible_from:
                with pytest.raises(ThreadNotFound):
                    acknowledge(unit, self.room.thread_id, seq)
                return
            [thread] = describe_threads(unit)
            assert thread["ackedSeq"] >= self.acked.get(member, 0)
            if beyond:
                with pytest.raises(MalformedField):
                    acknowledge(unit, self.room.thread_id, seq)
                return
            self.acked[member] = max(thread["ackedSeq"], seq)
            assert acknowledge(unit, self.room.thread_id, seq) == self.acked[member]

    @rule(member=GUESTS)
    def leave(self, member: str) -> None:
        """The service makes the next key at once; else it is due."""
        if member not in self.visible_from:
            return
        del self.visible_from[member]
        self.owners.discard(member)
        with self.room.stores.threads(caller(member)) as unit:
            remove_member(unit, self.room.thread_id, member, None, self.room.stores.service_member)
        self.told.append("member_removed")
        if self.is_served:
            self.learn_key()
        assert self._stands()[0] == ("ok" if self.is_served else "due")

    @rule(member=GUESTS, is_owner=st.booleans())
    def give_a_role(self, member: str, is_owner: bool) -> None:
        if member in self.visible_from:
            self._change(NURSE, member, MemberRole.OWNER if is_owner else MemberRole.WRITER)

    @rule(member=GUESTS)
    def read_alone_for_a_while(self, member: str) -> None:
        if member not in self.visible_from:
            return
        before = MemberRole.OWNER if member in self.owners else MemberRole.WRITER
        self._change(NURSE, member, MemberRole.READER)
        if member not in self.lost:
            [verdict] = self.room.push(self.room.envelope(self.devices[member], self.kid), member=member)
            assert verdict.refusal == "FORBIDDEN"
        self._change(NURSE, member, before)

    @precondition(lambda self: self.owners)
    @rule(data=st.data())
    def step_down_and_be_put_back(self, data: st.DataObject) -> None:
        """A new key is due where the newest one's maker is no owner any more, whoever that was before."""
        other = data.draw(st.sampled_from(sorted(self.owners)))
        state, maker = self._stands()
        self._change(NURSE, NURSE, MemberRole.WRITER)
        assert self._stands()[0] == ("due" if maker == NURSE else state)
        with self.room.stores.threads(caller(NURSE)) as unit, pytest.raises(ThreadRoleTooSmall):
            change_role(unit, self.room.thread_id, other, MemberRole.WRITER)
        self._change(other, NURSE, MemberRole.OWNER)

    def _change(self, by: str, member: str, role: MemberRole) -> None:
        with self.room.stores.threads(caller(by)) as unit:
            statement = text("select role from welno.welno_thread_members where thread_id = :id and member = :member")
            before = unit.session.execute(statement, {"id": self.room.thread_id, "member": member}).scalar_one()
            change_role(unit, self.room.thread_id, member, role)
        if before != role:
            self.told.append("role_changed")
        if member != NURSE:
            (self.owners.add if role == MemberRole.OWNER else self.owners.discard)(member)

    def _stands(self) -> tuple[Any, Any]:
        """The state of the key, and who made the newest one."""
        with self.room.stores.sessions() as session:
            row = session.execute(_STANDS, {"id": self.room.thread_id}).one()
        return row.key_state, row.member
