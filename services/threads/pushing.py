"""Taking a batch of envelopes: judged before any lock, numbered under the rows of their threads, in one transaction."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.names import thread_subject
from models.threads import DeviceState
from services.threads.acting import LockedThread, NewItem, ThreadUnitOfWork, ThreadWork, lock_threads
from services.threads.audit import AuditedCaller
from services.threads.audit_chain import AuditAction
from services.threads.encoding import is_thread_id
from services.threads.envelopes import Envelope
from services.threads.judging import (
    ClientProgress,
    EnvelopeRefusal,
    SenderRights,
    Submission,
    read_submissions,
)
from services.threads.keysets import keyset_state

# In plain SQL with arrays, made once: rows of many columns in an IN, or of an INSERT, are compiled anew each time.
_ROLES = text("""
    select m.thread_id, m.role from welno.welno_thread_members m join welno.welno_threads t on t.id = m.thread_id
    where m.member = :member and m.thread_id = any(:thread_ids) and m.removed_at is null and t.closed_at is null
""")
_SIGN_KEYS = text("""
    select device_id, sign_key from welno.welno_thread_devices where member = :member and state = :active
""")
_KEYSETS = text("""
    select thread_id, generation, retires_at from welno.welno_thread_keysets where thread_id = any(:thread_ids)
""")
_KNOWN = text("""
    select i.thread_id, i.dedupe_id, i.seq, i.digest
    from unnest(cast(:thread_ids as text[]), cast(:dedupe_ids as uuid[])) as named (thread_id, dedupe_id)
    join welno.welno_thread_items i using (thread_id, dedupe_id)
""")
_USED_PLACES = text("""
    select i.thread_id, i.client_id, i.client_seq
    from unnest(cast(:thread_ids as text[]), cast(:client_ids as uuid[]), cast(:client_seqs as bigint[]))
        as named (thread_id, client_id, client_seq)
    join welno.welno_thread_items i using (thread_id, client_id, client_seq)
""")
_PROGRESS = text("""
    select c.thread_id, c.client_id, c.contiguous_seq, c.highest_seq
    from unnest(cast(:thread_ids as text[]), cast(:client_ids as uuid[])) as named (thread_id, client_id)
    join welno.welno_thread_clients c using (thread_id, client_id)
""")
_STORE_PROGRESS = text("""
    insert into welno.welno_thread_clients (thread_id, client_id, contiguous_seq, highest_seq)
    select * from unnest(cast(:thread_ids as text[]), cast(:client_ids as uuid[]), cast(:contiguous as bigint[]),
        cast(:highest as bigint[]))
    on conflict (thread_id, client_id) do update
    set contiguous_seq = excluded.contiguous_seq, highest_seq = excluded.highest_seq
""")
# The numbers after a place that follow on without a hole; a device that skips one for ever costs one row each time.
_FOLLOWING = text("""
    select client_seq from welno.welno_thread_items
    where thread_id = :thread_id and client_id = :client_id and client_seq > :after order by client_seq limit :limit
""")
_FOLLOWING_PAGE = 1000
_PLACE = ("thread_ids", "client_ids", "client_seqs")


@dataclass(frozen=True)
class Verdict:
    """About one envelope. A duplicate has the number of the first."""

    submission: Submission
    seq: int | None = None
    refusal: EnvelopeRefusal | None = None
    is_duplicate: bool = False
    gap: tuple[int, int] | None = None

    @property
    def status(self) -> str:
        if self.refusal is not None:
            return "rejected"
        return "duplicate" if self.is_duplicate else "accepted"


def find_rights(
    session: Session, member: str, thread_ids: Iterable[str], only_device: str | None = None
) -> SenderRights:
    """In these threads, of a member and their active devices, or of one of them alone. Takes no lock."""
    active = {"member": member, "active": DeviceState.ACTIVE}
    sign_keys = {str(row.device_id): row.sign_key for row in session.execute(_SIGN_KEYS, active)}
    if only_device is not None:
        sign_keys = {device_id: key for device_id, key in sign_keys.items() if device_id == only_device}
    roles = session.execute(_ROLES, {"member": member, "thread_ids": list(thread_ids)})
    return SenderRights({row.thread_id: row.role for row in roles}, sign_keys)


@dataclass(frozen=True)
class PreparedPush:
    """A batch of which shapes and sizes are judged, and what is known of its sender. `only_device`: it came with that
    device's push pass, which speaks for no other."""

    caller: AuditedCaller
    submissions: list[Submission]
    rights: SenderRights
    only_device: str | None = None

    def foreign_devices(self) -> set[str]:
        """That the envelopes name, where none of them is the sender's."""
        named = {one.envelope.client_id for one in self.submissions if one.envelope is not None}
        return set() if named & self.rights.sign_keys.keys() else named

    def count_by_device(self) -> dict[str, int]:
        """How many envelopes each device of the sender has in it; whatever names none of theirs counts for them."""
        named = (one.envelope.client_id if one.envelope is not None else "" for one in self.submissions)
        return dict(Counter(one if one in self.rights.sign_keys else self.caller.member for one in named))


def prepare_push(
    threads: ThreadUnitOfWork,
    caller: AuditedCaller,
    told: Sequence[Any],
    payload_max_bytes: int,
    *,
    only_device: str | None = None,
) -> PreparedPush:
    """Before any lock is taken."""
    submissions = read_submissions(told, payload_max_bytes)
    # Also of those that are malformed: a member's are counted in the audit of the thread that they name.
    named = {one.echo().get("threadId") for one in submissions}
    thread_ids = {one for one in named if one is not None and is_thread_id(one)}
    with threads(caller) as unit:
        rights = find_rights(unit.session, unit.member, thread_ids, only_device)
    return PreparedPush(caller, submissions, rights, only_device)


def commit_push(threads: ThreadUnitOfWork, push: PreparedPush, judged: Sequence[Submission]) -> list[Verdict]:
    """In the order of the batch. `judged` is what `judge_sender` said of it: it takes long, and may run elsewhere. The
    whole may be repeated."""
    with threads(push.caller) as unit:
        return _Push(unit, judged, lock_threads(unit, push.rights.roles), push.only_device).run()


def append_own(locked: LockedThread, envelopes: Sequence[Envelope]) -> list[Verdict]:
    """Envelopes of the caller that this process has made and signed under the thread's lock."""
    submissions = [Submission(one.fields, one) for one in envelopes]
    return _Push(locked.unit, submissions, {locked.id: locked}).run()


def _name_all(envelopes: Sequence[Envelope]) -> dict[str, list[Any]]:
    """What they name, as arrays of equal length."""
    return {
        "thread_ids": [one.thread_id for one in envelopes],
        "dedupe_ids": [one.dedupe_id for one in envelopes],
        "client_ids": [one.client_id for one in envelopes],
        "client_seqs": [one.client_seq for one in envelopes],
    }


@dataclass
class _Push:
    """One batch under the locks of its threads. What is decided here is decided one envelope after another."""

    unit: ThreadWork
    submissions: Sequence[Submission]
    locked: dict[str, LockedThread]
    only_device: str | None = None
    _known: dict[tuple[str, str], tuple[int, str | None]] = field(default_factory=dict)
    _client_seqs: set[tuple[str, str, int]] = field(default_factory=set)
    _kids: dict[tuple[str, int], str] = field(default_factory=dict)
    _progress: dict[tuple[str, str], ClientProgress] = field(default_factory=dict)
    _items: dict[str, list[NewItem]] = field(default_factory=dict)

    def run(self) -> list[Verdict]:
        envelopes = [one.envelope for one in self.submissions if one.envelope is not None and one.refusal is None]
        self.unit.session.flush()  # plain SQL reads no pending rows: a key that this unit has made is one
        rights = self._find_rights() if envelopes else None
        if envelopes:
            self._load(envelopes)
        verdicts = [self._decide(one, rights) for one in self.submissions]
        for thread_id, items in self._items.items():
            self.locked[thread_id].append(items)
        self._store_progress()
        self._audit(verdicts)
        return verdicts

    def _find_rights(self) -> SenderRights:
        return find_rights(self.unit.session, self.unit.member, self.locked, self.only_device)

    def _decide(self, one: Submission, rights: SenderRights | None) -> Verdict:
        if one.envelope is None or one.refusal is not None or rights is None:
            return Verdict(one, refusal=one.refusal)
        envelope = one.envelope
        is_out = envelope.thread_id not in self.locked
        refusal = EnvelopeRefusal.THREAD_NOT_FOUND if is_out else rights.refuse(envelope)
        if refusal is not None:
            return Verdict(one, refusal=refusal)
        known = self._known.get((envelope.thread_id, envelope.dedupe_id))
        if known is not None:
            seq, digest = known
            is_same = digest == envelope.digest
            return (
                Verdict(one, seq, is_duplicate=True)
                if is_same
                else Verdict(one, refusal=EnvelopeRefusal.DEDUPE_CONFLICT)
            )
        return self._take(one, envelope)

    def _take(self, one: Submission, envelope: Envelope) -> Verdict:
        refusal = self._refuse_key(envelope)
        place = (envelope.thread_id, envelope.client_id, envelope.client_seq)
        if refusal is None and place in self._client_seqs:
            refusal = EnvelopeRefusal.CLIENT_SEQ_CONFLICT
        if refusal is not None:
            return Verdict(one, refusal=refusal)
        items = self._items.setdefault(envelope.thread_id, [])
        items.append(NewItem.of_envelope(envelope, self.unit.member, self.unit.now))
        seq = self.locked[envelope.thread_id].row.last_seq + len(items)
        self._known[envelope.thread_id, envelope.dedupe_id] = (seq, envelope.digest)
        self._client_seqs.add(place)
        return Verdict(one, seq, gap=self._take_client_seq(envelope))

    def _refuse_key(self, envelope: Envelope) -> EnvelopeRefusal | None:
        state = self._kids.get((envelope.thread_id, envelope.generation))
        if state is None:
            return EnvelopeRefusal.UNKNOWN_KEY
        return EnvelopeRefusal.KEY_RETIRED if state == "retired" else None

    def _load(self, envelopes: Sequence[Envelope]) -> None:
        """What is known already of what they name."""
        session, named = self.unit.session, _name_all(envelopes)
        for known in session.execute(_KNOWN, {name: named[name] for name in ("thread_ids", "dedupe_ids")}):
            self._known[known.thread_id, str(known.dedupe_id)] = (known.seq, known.digest)
        for used in session.execute(_USED_PLACES, {name: named[name] for name in _PLACE}):
            self._client_seqs.add((used.thread_id, str(used.client_id), used.client_seq))
        for keyset in session.execute(_KEYSETS, {"thread_ids": list(self.locked)}):
            self._kids[keyset.thread_id, keyset.generation] = keyset_state(keyset.retires_at, self.unit.now)
        for client in session.execute(_PROGRESS, {name: named[name] for name in ("thread_ids", "client_ids")}):
            sender = (client.thread_id, str(client.client_id))
            self._progress[sender] = ClientProgress(client.contiguous_seq, client.highest_seq)

    def _take_client_seq(self, envelope: Envelope) -> tuple[int, int] | None:
        place = (envelope.thread_id, envelope.client_id)
        progress = self._progress.setdefault(place, ClientProgress(0, 0))
        if progress.highest > progress.contiguous:
            self._load_following(place, progress, envelope.client_seq)
        return progress.take(envelope.client_seq)

    def _load_following(self, place: tuple[str, str], progress: ClientProgress, client_seq: int) -> None:
        """Of what has come beyond a hole: the next one, or when the hole is being filled, all that follow on then. What
        this batch has taken follows on, too, and is in no page yet."""
        fills = client_seq == progress.contiguous + 1
        parameters = {"thread_id": place[0], "client_id": place[1], "limit": _FOLLOWING_PAGE if fills else 1}
        at, expected = progress.contiguous, client_seq + 1
        while True:
            page = list(self.unit.session.execute(_FOLLOWING, parameters | {"after": at}).scalars())
            progress.present.update(page)
            while expected in progress.present:
                expected += 1
            goes_on = fills and len(page) == _FOLLOWING_PAGE and page[-1] < expected
            if not goes_on:
                return
            at = page[-1]

    def _store_progress(self) -> None:
        changed = {
            (item.envelope.thread_id, item.envelope.client_id)
            for items in self._items.values()
            for item in items
            if item.envelope is not None
        }
        if not changed:
            return
        senders = sorted(changed)
        parameters = {
            "thread_ids": [thread_id for thread_id, _ in senders],
            "client_ids": [client_id for _, client_id in senders],
            "contiguous": [self._progress[one].contiguous for one in senders],
            "highest": [self._progress[one].highest for one in senders],
        }
        self.unit.session.execute(_STORE_PROGRESS, parameters)

    def _audit(self, verdicts: Sequence[Verdict]) -> None:
        """One row for each outcome in each thread that the sender is in."""
        actions = {"accepted": AuditAction.PUSH, "duplicate": AuditAction.PUSH_DUPLICATE}
        for thread_id, locked in self.locked.items():
            theirs = [one for one in verdicts if one.submission.echo().get("threadId") == thread_id]
            for status, action in actions.items():
                seqs = [one.seq for one in theirs if one.status == status and one.seq is not None]
                if seqs:
                    locked.audit(action, count=len(seqs), seqs=(min(seqs), max(seqs)))
            for refusal, count in sorted(Counter(one.refusal for one in theirs if one.refusal is not None).items()):
                locked.audit(AuditAction.PUSH_REJECTED, count=count, result=refusal)


def subjects_of(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """The streams that got something, and the last number of each."""
    ends: dict[str, int] = {}
    for one in verdicts:
        if one.status == "accepted" and one.seq is not None and one.submission.envelope is not None:
            subject = thread_subject(one.submission.envelope.thread_id)
            ends[subject] = max(one.seq, ends.get(subject, 0))
    return ends
