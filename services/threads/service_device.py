"""The device of `service:welno`: its private keys, sealed in PostgreSQL, and what is signed and opened with them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.base64url import decode_bytes, encode_bytes
from core.moments import write_moment
from core.sealing import Sealer
from models.threads import DeviceState, ThreadDevice, ThreadServiceDevice
from services.threads.encoding import SERVICE_MEMBER, hash_bytes
from services.threads.envelopes import ALGORITHM, VERSION, Envelope
from services.threads.keysets import NewKeyset
from services.threads.sealed_secrets import SECRET_BYTES, derive_message_key, make_check, open_secret, seal_secret
from services.threads.signing import KEY_BYTES
from services.threads.texts import DeviceClaim, KeysetClaim, Recipient, envelope_text

_IV_BYTES = 12


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    """What the back end says in a thread, before it is encrypted."""

    dedupe_id: UUID
    content_type: str
    plaintext: bytes = field(repr=False)


@dataclass(frozen=True)
class ServiceDevice:
    """With its private keys: for the process that has just opened them, and no longer than it needs them."""

    device_id: str
    kem: X25519PrivateKey = field(repr=False)
    sign: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        return cls(str(uuid4()), X25519PrivateKey.generate(), Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, device_id: str, keys: bytes) -> Self:
        kem, sign = keys[:KEY_BYTES], keys[KEY_BYTES:]
        return cls(device_id, X25519PrivateKey.from_private_bytes(kem), Ed25519PrivateKey.from_private_bytes(sign))

    def to_bytes(self) -> bytes:
        return self.kem.private_bytes_raw() + self.sign.private_bytes_raw()

    def claim(self, at: datetime) -> DeviceClaim:
        """What it says of itself, signed."""
        kem_key = encode_bytes(self.kem.public_key().public_bytes_raw())
        sign_key = encode_bytes(self.sign.public_key().public_bytes_raw())
        head = (self.device_id, SERVICE_MEMBER, kem_key, sign_key, write_moment(at))
        return DeviceClaim(*head, self._sign(DeviceClaim(*head, "").text))

    def make_keyset(
        self, thread_id: str, kid: str, prev: str, devices: Iterable[ThreadDevice], at: datetime
    ) -> NewKeyset:
        """A generation with a new secret, for these devices."""
        secret = os.urandom(SECRET_BYTES)
        wraps = {
            str(one.device_id): seal_secret(secret, one.kem_key, thread_id, kid, str(one.device_id)) for one in devices
        }
        recipients = tuple(
            Recipient(str(one.device_id), one.kem_key, hash_bytes(decode_bytes(wraps[str(one.device_id)]) or b""))
            for one in devices
        )
        check = make_check(secret, thread_id, kid)
        head = (thread_id, kid, write_moment(at), self.device_id, check, prev, recipients)
        return NewKeyset(KeysetClaim(*head, self._sign(KeysetClaim(*head, "").text)), wraps)

    def open_wrap(self, wrapped: str, check: str, thread_id: str, kid: str) -> bytes | None:
        """The secret; None for a wrap that does not give the one with this check."""
        return open_secret(self.kem, wrapped, check, thread_id=thread_id, kid=kid, device_id=self.device_id)

    def make_envelope(
        self, thread_id: str, kid: str, secret: bytes, message: ServiceMessage, *, client_seq: int, at: datetime
    ) -> Envelope:
        said = {
            "v": VERSION,
            "threadId": thread_id,
            "dedupeId": str(message.dedupe_id),
            "clientId": self.device_id,
            "clientSeq": client_seq,
            "kind": "data",
            "contentType": message.content_type,
            "createdAt": write_moment(at),
        }
        names = ("threadId", "dedupeId", "clientId", "clientSeq", "kind", "contentType", "createdAt")
        head = (*(said[name] for name in names), ALGORITHM, kid)
        iv = os.urandom(_IV_BYTES)
        key = derive_message_key(secret, thread_id, kid, self.device_id)
        payload = AESGCM(key).encrypt(iv, message.plaintext, envelope_text(*head))
        enc, payload_hash = {"alg": ALGORITHM, "kid": kid, "iv": encode_bytes(iv)}, hash_bytes(payload)
        sig = self._sign(envelope_text(*head, enc["iv"], payload_hash))
        fields = said | {"enc": enc, "payload": "", "payloadHash": payload_hash, "sig": sig}
        return Envelope(fields, payload)

    def _sign(self, text: bytes) -> str:
        return encode_bytes(self.sign.sign(text))


def device_context(device_id: UUID | str) -> str:
    """In which its private keys are sealed."""
    return f"thread_device:{device_id}"


def load_service_device(session: Session, sealer: Sealer) -> ServiceDevice | None:
    """The active one. Raises SealError."""
    is_active = (ThreadDevice.member == SERVICE_MEMBER, ThreadDevice.state == DeviceState.ACTIVE)
    query = (
        select(ThreadServiceDevice)
        .join(ThreadDevice, ThreadDevice.device_id == ThreadServiceDevice.device_id)
        .where(*is_active)
        .order_by(ThreadDevice.registered_at.desc())
    )
    row = session.scalar(query.limit(1))
    if row is None:
        return None
    return ServiceDevice.from_bytes(str(row.device_id), sealer.open(row.sealed_keys, device_context(row.device_id)))
