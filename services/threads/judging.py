"""Decides about one envelope of a push, in the order that the specification gives, without any store."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.threads import MemberRole
from services.threads.envelopes import Envelope
from services.threads.signing import is_signed

# Half a character of UTF-16: no encoder takes it.
_NOT_SENT = re.compile("[\ud800-\udfff]")


class EnvelopeRefusal(StrEnum):
    """Why an envelope was not taken; in the order in which it is looked for."""

    INVALID_ENVELOPE = "INVALID_ENVELOPE"
    TOO_LARGE = "TOO_LARGE"
    THREAD_NOT_FOUND = "THREAD_NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    HASH_MISMATCH = "HASH_MISMATCH"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    DEDUPE_CONFLICT = "DEDUPE_CONFLICT"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    KEY_RETIRED = "KEY_RETIRED"
    CLIENT_SEQ_CONFLICT = "CLIENT_SEQ_CONFLICT"


@dataclass(frozen=True)
class SenderRights:
    """What PostgreSQL says of the sender: roles by thread, and the signing keys of active devices by id."""

    roles: Mapping[str, str]
    sign_keys: Mapping[str, str] = field(repr=False)

    def refuse(self, envelope: Envelope) -> EnvelopeRefusal | None:
        """Looked at before the lock and again under it: a removal may have come between."""
        role = self.roles.get(envelope.thread_id)
        if role is None:
            return EnvelopeRefusal.THREAD_NOT_FOUND
        if not MemberRole(role).includes(MemberRole.WRITER):
            return EnvelopeRefusal.FORBIDDEN
        return None if envelope.client_id in self.sign_keys else EnvelopeRefusal.UNKNOWN_DEVICE


@dataclass(frozen=True)
class Submission:
    """One envelope of a push as it came, and what is known of it by now: refused, or still in question."""

    told: Any = field(repr=False)
    envelope: Envelope | None
    refusal: EnvelopeRefusal | None = None

    def echo(self) -> dict[str, Any]:
        """Its ids, when they are text that can be sent: of what is refused for its shape, too."""
        told = self.told if isinstance(self.told, dict) else {}
        ids = {name: told.get(name) for name in ("dedupeId", "threadId")}
        return {name: text for name, text in ids.items() if isinstance(text, str) and _NOT_SENT.search(text) is None}


def read_submissions(told: Sequence[Any], payload_max_bytes: int) -> list[Submission]:
    """Shape and size."""
    return [_read(one, payload_max_bytes) for one in told]


def _read(told: Any, payload_max_bytes: int) -> Submission:
    envelope = Envelope.read(told)
    if envelope is None:
        return Submission(told, None, EnvelopeRefusal.INVALID_ENVELOPE)
    is_long = len(envelope.payload) > payload_max_bytes
    return Submission(told, envelope, EnvelopeRefusal.TOO_LARGE if is_long else None)


def judge_sender(submissions: Sequence[Submission], rights: SenderRights) -> list[Submission]:
    """Membership, role, device, hash and signature. Computes for a quarter of a millisecond an envelope."""
    return [
        one if one.envelope is None or one.refusal is not None else _judge(one, one.envelope, rights)
        for one in submissions
    ]


def _judge(one: Submission, envelope: Envelope, rights: SenderRights) -> Submission:
    refusal = rights.refuse(envelope)
    if refusal is None and not envelope.is_hash_right:
        refusal = EnvelopeRefusal.HASH_MISMATCH
    if refusal is None and not is_signed(rights.sign_keys[envelope.client_id], envelope.sig, envelope.signed):
        refusal = EnvelopeRefusal.BAD_SIGNATURE
    return Submission(one.told, envelope, refusal)


@dataclass
class ClientProgress:
    """How far one device has come in one thread. `present` are those of its numbers beyond that have come, too."""

    contiguous: int
    highest: int
    present: set[int] = field(default_factory=set)

    def take(self, client_seq: int) -> tuple[int, int] | None:
        """One more. The first numbers that are still missing before it, if any are."""
        self.highest = max(self.highest, client_seq)
        self.present.add(client_seq)
        while self.contiguous + 1 in self.present:
            self.contiguous += 1
            self.present.discard(self.contiguous)
        if client_seq <= self.contiguous:
            return None
        return self.contiguous + 1, min(self.present) - 1
