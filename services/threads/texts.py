"""The canonical texts that are signed: UTF-8, parts joined by one line feed, none at the end."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from services.threads.encoding import hash_bytes

_FINGERPRINT_BYTES = 15


def _join(*parts: object) -> bytes:
    return "\n".join(map(str, parts)).encode()


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """What a device says of itself. Keys and signature as base64url."""

    device_id: str
    member: str
    kem_key: str
    sign_key: str
    created_at: str
    sig: str

    @property
    def text(self) -> bytes:
        return _join("welno.device.v1", self.device_id, self.member, self.kem_key, self.sign_key, self.created_at)

    @property
    def fingerprint(self) -> str:
        """What two people compare: six groups of four letters, of base32 (RFC 4648)."""
        letters = base64.b32encode(hashlib.sha256(self.text).digest()[:_FINGERPRINT_BYTES]).decode()
        return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


@dataclass(frozen=True, slots=True)
class DeviceApproval:
    """An active device vouches for another of the same member."""

    approved_by: str
    created_at: str
    sig: str

    def text_for(self, device: DeviceClaim) -> bytes:
        signed = hash_bytes(device.text)
        return _join("welno.device.v1 approval", device.device_id, signed, self.approved_by, self.created_at)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A device for which a generation's secret was sealed, as its maker signed it."""

    device_id: str
    kem_key: str
    wrap_hash: str


@dataclass(frozen=True, slots=True)
class KeysetClaim:
    """A generation of a thread's key as its maker signed it. `prev` is the hash of the one before, or `-`."""

    thread_id: str
    kid: str
    created_at: str
    created_by: str
    check: str
    prev: str
    recipients: tuple[Recipient, ...]
    sig: str

    @property
    def text(self) -> bytes:
        head = (self.thread_id, self.kid, self.created_at, self.created_by, self.check, self.prev)
        return _join("welno.thread.v1 keyset", *head, *_lines_of(self.recipients))

    @property
    def hash(self) -> str:
        """By which the next one names it."""
        return hash_bytes(self.text)


def _lines_of(recipients: Iterable[Recipient]) -> list[str]:
    ordered = sorted(recipients, key=lambda one: one.device_id)
    return [f"{one.device_id} {one.kem_key} {one.wrap_hash}" for one in ordered]


def wrap_info(thread_id: str, kid: str, device_id: str) -> bytes:
    """Of a secret that is sealed to a device."""
    return _join("welno.thread.v1 key", thread_id, kid, device_id)


def check_info(thread_id: str, kid: str) -> bytes:
    """Of what shows that two devices hold the same secret."""
    return _join("welno.thread.v1 check", thread_id, kid)


def message_info(thread_id: str, kid: str, client_id: str) -> bytes:
    """Of the key of one device's messages."""
    return _join("welno.thread.v1 message", thread_id, kid, client_id)


def envelope_text(*fields: object) -> bytes:
    """The additional authenticated data of an envelope, of threadId, dedupeId, clientId, clientSeq, kind, contentType,
    createdAt, alg, kid; what is signed has iv and payloadHash after them."""
    return _join("welno.thread.v1 envelope", *fields)


def audit_text(*fields: object) -> bytes:
    """Of an audit entry. What is not there is empty."""
    return _join("welno.audit.v1", *("" if field is None else field for field in fields))
