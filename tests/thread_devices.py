"""A client's half of the threads' cryptography, for tests: devices, sealed secrets, keysets, encrypted envelopes."""

import itertools
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.base64url import decode_bytes, encode_bytes
from services.threads.encoding import hash_bytes
from services.threads.texts import DeviceApproval, DeviceClaim, KeysetClaim, Recipient, envelope_text

AT = "2026-11-25T08:00:00.000Z"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def joined(*parts: str) -> bytes:
    return "\n".join(parts).encode()


def derive(secret: bytes, *info: str, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, None, joined(*info)).derive(secret)


def check_of(secret: bytes, thread_id: str, kid: str) -> str:
    return encode_bytes(derive(secret, "welno.thread.v1 check", thread_id, kid, length=16))


def message_key(secret: bytes, thread_id: str, kid: str, client_id: str) -> bytes:
    return derive(secret, "welno.thread.v1 message", thread_id, kid, client_id)


def bytes_of(text: str) -> bytes:
    data = decode_bytes(text)
    assert data is not None
    return data


def wrap_info(thread_id: str, kid: str, device_id: str) -> bytes:
    return joined("welno.thread.v1 key", thread_id, kid, device_id)


@dataclass
class ClientDevice:
    """A member's device with its private keys."""

    member: str
    device_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    kem: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    sign: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seqs: dict[str, Any] = field(default_factory=dict)

    @property
    def kem_key(self) -> str:
        return encode_bytes(self.kem.public_key().public_bytes_raw())

    @property
    def sign_key(self) -> str:
        return encode_bytes(self.sign.public_key().public_bytes_raw())

    def signed(self, text: bytes) -> str:
        return encode_bytes(self.sign.sign(text))

    @property
    def claim(self) -> DeviceClaim:
        unsigned = DeviceClaim(self.device_id, self.member, self.kem_key, self.sign_key, AT, "")
        return DeviceClaim(self.device_id, self.member, self.kem_key, self.sign_key, AT, self.signed(unsigned.text))

    def registration(self) -> dict[str, str]:
        claim = self.claim
        keys = {"deviceId": claim.device_id, "kemKey": claim.kem_key, "signKey": claim.sign_key}
        return keys | {"createdAt": claim.created_at, "sig": claim.sig}

    def approval_of(self, other: "ClientDevice") -> dict[str, str]:
        text = DeviceApproval(self.device_id, AT, "").text_for(other.claim)
        return {"approvedBy": self.device_id, "createdAt": AT, "sig": self.signed(text)}

    def wrap(self, secret: bytes, thread_id: str, kid: str) -> str:
        """Sealed to this device."""
        return encode_bytes(
            SUITE.encrypt(secret, self.kem.public_key(), info=wrap_info(thread_id, kid, self.device_id))
        )

    def open_wrap(self, wrapped: str, thread_id: str, kid: str) -> bytes:
        return bytes(SUITE.decrypt(bytes_of(wrapped), self.kem, info=wrap_info(thread_id, kid, self.device_id)))

    def keyset(
        self, thread_id: str, kid: str, secret: bytes, devices: Iterable["ClientDevice"], prev: str = "-"
    ) -> dict[str, Any]:
        """The body that makes a generation, signed by this device."""
        wraps = [(one.device_id, one.kem_key, one.wrap(secret, thread_id, kid)) for one in devices]
        recipients = tuple(Recipient(one, key, hash_bytes(bytes_of(wrapped))) for one, key, wrapped in wraps)
        check = check_of(secret, thread_id, kid)
        claim = KeysetClaim(thread_id, kid, AT, self.device_id, check, prev, recipients, "")
        told = [{"deviceId": one, "kemKey": key, "wrapped": wrapped} for one, key, wrapped in wraps]
        head = {"kid": kid, "createdAt": AT, "createdBy": self.device_id, "check": check, "prev": prev}
        return head | {"wraps": told, "sig": self.signed(claim.text)}

    def envelope(
        self, thread_id: str, kid: str, secret: bytes, plaintext: bytes = b"hello", **changes: Any
    ) -> dict[str, Any]:
        """The next message of this device, or the one with the `clientSeq` among the changes."""
        seq = changes.pop("clientSeq", None)
        if seq is None:
            seq = next(self.seqs.setdefault(thread_id, itertools.count(1)))
        said = {"v": 1, "threadId": thread_id, "dedupeId": str(uuid.uuid4()), "clientId": self.device_id}
        said |= {"clientSeq": seq, "kind": "data", "contentType": "text/plain", "createdAt": AT}
        return self.seal(said | changes, kid, secret, plaintext)

    def seal(self, said: dict[str, Any], kid: str, secret: bytes, plaintext: bytes) -> dict[str, Any]:
        names = ("threadId", "dedupeId", "clientId", "clientSeq", "kind", "contentType", "createdAt")
        aad = [*(said[name] for name in names), "A256GCM", kid]
        iv = os.urandom(12)
        key = message_key(secret, said["threadId"], kid, said["clientId"])
        payload = AESGCM(key).encrypt(iv, plaintext, envelope_text(*aad))
        signed = envelope_text(*aad, encode_bytes(iv), hash_bytes(payload))
        return said | {
            "enc": {"alg": "A256GCM", "kid": kid, "iv": encode_bytes(iv)},
            "payload": encode_bytes(payload),
            "payloadHash": hash_bytes(payload),
            "sig": self.signed(signed),
        }


def open_envelope(envelope: dict[str, Any], secret: bytes) -> bytes:
    """Raises InvalidTag."""
    names = ("threadId", "dedupeId", "clientId", "clientSeq", "kind", "contentType", "createdAt")
    enc = envelope["enc"]
    aad = envelope_text(*(envelope[name] for name in names), enc["alg"], enc["kid"])
    key = message_key(secret, envelope["threadId"], enc["kid"], envelope["clientId"])
    return AESGCM(key).decrypt(bytes_of(enc["iv"]), bytes_of(envelope["payload"]), aad)
