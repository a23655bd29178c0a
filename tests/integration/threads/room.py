"""A thread of a nurse and a patient on real stores, and what they do in it, below HTTP."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import text

from core.clock import clock
from models.threads import MemberRole
from services.delivery.event_log import read_epoch
from services.delivery.event_sweep import StreamSweep
from services.delivery.unit_of_work import Delivery, UnitOfWork
from services.stores import Stores
from services.threads.acting import ThreadUnitOfWork
from services.threads.audit import AuditedCaller
from services.threads.creating import create_thread
from services.threads.devices import register_device
from services.threads.judging import judge_sender
from services.threads.keysets import make_keyset, read_keyset
from services.threads.pushing import Verdict, commit_push, prepare_push
from services.threads.reading import read_range
from streams import Position, StoredEvent
from tests.thread_devices import ClientDevice

NURSE = "staff:nurse.kim"
PATIENT = "patient:94ebd639-9549-427e-82f6-8dfbaf8ed138"
STRANGER = "staff:nobody"


def caller(member: str) -> AuditedCaller:
    return AuditedCaller.at(member, "203.0.113.9", "req-1")


def push_by(room: "Room", deliver: Callable[[Delivery], object], *envelopes: Any) -> list[Verdict]:
    """Of the patient, by a process whose appends `deliver` has: what it does not do is as if the process had died."""
    here = room.stores

    def nothing(_: object) -> None:
        """Nothing else leaves."""

    process = UnitOfWork(here.sessions, here.kinds, deliver, nothing, nothing, nothing)
    threads = ThreadUnitOfWork(process, clock, here.settings.threads)
    prepared = prepare_push(threads, caller(PATIENT), envelopes, here.settings.threads.payload_max_bytes)
    return commit_push(threads, prepared, judge_sender(prepared.submissions, prepared.rights))


def sweep_of(stores: Stores) -> StreamSweep:
    """As a sweeper that has just started: it compares everything."""
    return StreamSweep(stores.sessions, stores.streams, stores.kinds, stores.sender, settle_seconds=0)


@dataclass
class Room:
    """`secrets` are those of the generations, by kid."""

    stores: Stores
    nurse: ClientDevice = field(default_factory=lambda: ClientDevice(NURSE))
    patient: ClientDevice = field(default_factory=lambda: ClientDevice(PATIENT))
    thread_id: str = ""
    secrets: dict[str, bytes] = field(default_factory=dict)
    prev: str = "-"

    @property
    def subject(self) -> str:
        return f"thread:{self.thread_id}"

    def open_another(self, *guests: ClientDevice) -> "Room":
        """Of the same two, and of guests whose devices are registered."""
        other = Room(self.stores, self.nurse, self.patient)
        other.thread_id = other.create({one.member: MemberRole.WRITER for one in (self.patient, *guests)})
        other.rotate("k1", [self.nurse, self.patient, *guests])
        return other

    def open(self) -> "Room":
        for device in (self.nurse, self.patient):
            self.register(device)
        self.thread_id = self.create({PATIENT: MemberRole.WRITER})
        self.rotate("k1", [self.nurse, self.patient])
        return self

    def create(self, others: dict[str, MemberRole], request_id: uuid.UUID | None = None) -> str:
        with self.stores.threads(caller(NURSE)) as unit:
            return create_thread(unit, request_id or uuid.uuid4(), others)[0]

    def register(self, device: ClientDevice) -> str:
        with self.stores.threads(caller(device.member)) as unit:
            return str(register_device(unit, device.claim)[0].state)

    def rotate(self, kid: str, devices: list[ClientDevice], **changes: Any) -> bool:
        self.secrets[kid] = os.urandom(32)
        told = self.nurse.keyset(self.thread_id, kid, self.secrets[kid], devices, self.prev) | changes
        new = read_keyset(self.thread_id, told)
        with self.stores.threads(caller(NURSE)) as unit:
            made = make_keyset(unit, new)
        self.prev = new.claim.hash
        return made

    def envelope(self, device: ClientDevice | None = None, kid: str = "k1", **changes: Any) -> dict[str, Any]:
        return (device or self.patient).envelope(self.thread_id, kid, self.secrets[kid], **changes)

    def push(self, *envelopes: Any, member: str = PATIENT) -> list[Verdict]:
        limit = self.stores.settings.threads.payload_max_bytes
        prepared = prepare_push(self.stores.threads, caller(member), envelopes, limit)
        return commit_push(self.stores.threads, prepared, judge_sender(prepared.submissions, prepared.rights))

    def say(self, count: int = 1, device: ClientDevice | None = None, **changes: Any) -> list[int | None]:
        sender = device or self.patient
        verdicts = self.push(*(self.envelope(sender, **changes) for _ in range(count)), member=sender.member)
        assert {one.status for one in verdicts} == {"accepted"}
        return [one.seq for one in verdicts]

    def items(self, member: str = NURSE) -> list[dict[str, Any]]:
        with self.stores.threads(caller(member)) as unit:
            return [orjson.loads(one.to_json()) for one in read_range(unit, self.thread_id, first=1, last=None).items]

    def read_all(self, after: int = 0) -> list[StoredEvent]:
        """As a reader of the event log catches up."""
        found: list[StoredEvent] = []
        while not (page := self.stores.events.read_after(self.subject, after)).complete or page.events:
            assert not page.gone
            found += page.events
            after = found[-1].seq
        return found

    def end(self) -> Position:
        with self.stores.sessions() as session:
            last = session.execute(
                text("select last_seq from welno.welno_threads where id = :id"), {"id": self.thread_id}
            )
            return Position(read_epoch(session), last.scalar_one())

    def streamed(self) -> list[int]:
        return [event.seq for event in self.stores.streams.read_after(self.subject, 0, 1000, 64 * 1024 * 1024).events]

    def has_waiting_lock(self) -> bool:
        """Whether somebody waits for a lock in this database."""
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        with self.stores.sessions() as session:
            return session.execute(text(waiting)).first() is not None

    def audit(self) -> list[tuple[Any, ...]]:
        columns = "action, result, count, seq_from, seq_to"
        query = f"select {columns} from welno.welno_thread_audit where thread_id = :id order by n"
        with self.stores.sessions() as session:
            return [tuple(row) for row in session.execute(text(query), {"id": self.thread_id})]
