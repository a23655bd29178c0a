"""The hash chain of a thread's audit: how an entry is hashed, and where a chain is broken."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.threads.texts import audit_text

FIRST_HEAD = "00" * 32


class AuditAction(StrEnum):
    """What members did, or tried."""

    CREATE = "create"
    PUSH = "push"
    PUSH_DUPLICATE = "push_duplicate"
    PUSH_REJECTED = "push_rejected"
    RECENT = "recent"
    RANGE = "range"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ACK = "ack"
    KEY_READ = "key_read"
    KEY_ROTATE = "key_rotate"
    WRAP_ADD = "wrap_add"
    WRAP_DROP = "wrap_drop"
    MEMBER_ADD = "member_add"
    MEMBER_REMOVE = "member_remove"
    ROLE_CHANGE = "role_change"
    DEVICE_ADD = "device_add"
    DEVICE_REVOKE = "device_revoke"
    BLOB_PUT = "blob_put"
    BLOB_GET = "blob_get"
    SEND_RECORDS = "send_records"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedAct:
    """Who did what to a thread, and from which network; nothing of what a message holds."""

    n: int
    at: str
    actor: str
    action: str
    count: int | None
    seq_from: int | None
    seq_to: int | None
    result: str
    ip: str | None
    request_id: str

    def hash_after(self, head: str, thread_id: str) -> str:
        """The new head of the chain whose head this follows."""
        said = (self.n, self.at, self.actor, self.action, thread_id, self.count, self.seq_from, self.seq_to)
        text = audit_text(*said, self.result, self.ip, self.request_id)
        return hashlib.sha256(bytes.fromhex(head) + text).hexdigest()


@dataclass(frozen=True, slots=True)
class VerifiedAudit:
    """`broken_at` is the first n at which the chain does not hold; one beyond the last where its end was cut off."""

    count: int
    head: str
    broken_at: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def verify_chain(thread_id: str, acts: Iterable[tuple[AuditedAct, str]], count: int, head: str) -> VerifiedAudit:
    """Compare the acts and their hashes, in order, with each other and with the count and head of the thread's row."""
    at, number = FIRST_HEAD, 0
    for act, stored in acts:
        number += 1
        at = act.hash_after(at, thread_id)
        if act.n != number or at != stored:
            return VerifiedAudit(count, head, number)
    return VerifiedAudit(count, head, None if (number, at) == (count, head) else min(number, count) + 1)
