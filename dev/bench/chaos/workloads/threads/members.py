"""Members of threads for a bench: staff and patients with a login and a device each.

What they send is signed as clients sign it. The ciphertext is random: to a server that cannot open it that is the same.
"""

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from celery import Celery
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from core.base64url import encode_bytes
from core.broker import BrokerAddress, register_failover_transports
from core.clock import clock
from core.moments import write_moment
from core.names import task_routes
from core.settings import Settings
from dev.bench.chaos.workloads.journey.hospital import WorkloadHospital
from dev.bench.chaos.workloads.threads.patients import add_patient
from models.threads import MemberRole
from services.delivery.task_sender import TaskSender
from services.threads.audit import AuditedCaller
from services.threads.creating import create_thread
from services.threads.devices import register_device
from services.threads.encoding import SERVICE_MEMBER, hash_bytes, patient_member
from services.threads.keysets import make_keyset, read_keyset
from services.threads.texts import DeviceClaim, KeysetClaim, Recipient, envelope_text

KID = "k1"
_WRAPPED_BYTES, _CHECK_BYTES, _IV_BYTES = 80, 16, 12
_SIGNED_NAMES = ("threadId", "dedupeId", "clientId", "clientSeq", "kind", "contentType", "createdAt")


class BenchDevice:
    """One device of a member; it numbers what it sends to each thread."""

    def __init__(self, member: str) -> None:
        self.member = member
        self.device_id = str(uuid4())
        self.kem_key = encode_bytes(X25519PrivateKey.generate().public_key().public_bytes_raw())
        self._sign = Ed25519PrivateKey.generate()
        self._created_at = write_moment(clock.now())
        self._client_seqs: dict[str, itertools.count[int]] = {}

    def claim(self) -> DeviceClaim:
        sign_key = encode_bytes(self._sign.public_key().public_bytes_raw())
        fields = (self.device_id, self.member, self.kem_key, sign_key, self._created_at)
        return DeviceClaim(*fields, self._signed(DeviceClaim(*fields, "").text))

    def keyset(self, thread_id: str, devices: Sequence["BenchDevice"]) -> dict[str, Any]:
        """The body that makes the first generation."""
        sealed = [(one, os.urandom(_WRAPPED_BYTES)) for one in devices]
        recipients = tuple(Recipient(one.device_id, one.kem_key, hash_bytes(wrap)) for one, wrap in sealed)
        check = encode_bytes(os.urandom(_CHECK_BYTES))
        claim = KeysetClaim(thread_id, KID, self._created_at, self.device_id, check, "-", recipients, "")
        wraps = [
            {"deviceId": one.device_id, "kemKey": one.kem_key, "wrapped": encode_bytes(wrap)} for one, wrap in sealed
        ]
        head = {"kid": KID, "createdAt": self._created_at, "createdBy": self.device_id, "check": check, "prev": "-"}
        return head | {"wraps": wraps, "sig": self._signed(claim.text)}

    def envelope(self, thread_id: str, payload_bytes: int) -> dict[str, Any]:
        """The next one."""
        client_seq = next(self._client_seqs.setdefault(thread_id, itertools.count(1)))
        said: dict[str, Any] = {"v": 1, "threadId": thread_id, "dedupeId": str(uuid4()), "clientId": self.device_id}
        said |= {"clientSeq": client_seq, "kind": "data", "contentType": "application/octet-stream"}
        said["createdAt"] = write_moment(clock.now())
        iv, payload = encode_bytes(os.urandom(_IV_BYTES)), os.urandom(payload_bytes)
        signed = (*(said[name] for name in _SIGNED_NAMES), "A256GCM", KID, iv, hash_bytes(payload))
        return said | {
            "enc": {"alg": "A256GCM", "kid": KID, "iv": iv},
            "payload": encode_bytes(payload),
            "payloadHash": hash_bytes(payload),
            "sig": self._signed(envelope_text(*signed)),
        }

    def _signed(self, text: bytes) -> str:
        return encode_bytes(self._sign.sign(text))


@dataclass(frozen=True)
class BenchMember:
    member: str
    token: str = field(repr=False)
    device: BenchDevice = field(repr=False)

    @property
    def caller(self) -> AuditedCaller:
        return AuditedCaller.at(self.member, "127.0.0.1", "bench")


def open_sender(settings: Settings) -> TaskSender:
    """To the product's workers, of whose code nothing is loaded."""
    register_failover_transports()
    celery = Celery("bench")
    address = BrokerAddress.of_url(settings.stores.broker_url)
    celery.conf.update(address.settings, task_routes=task_routes(), broker_transport_options=address.transport_options)
    return TaskSender(celery)


class BenchThreads:
    """Made past the web process, by the product's own services. `close` it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._hospital = WorkloadHospital(env, open_sender(Settings.read(dict(env))))
        self._people = itertools.count()
        self.stores = self._hospital.stores

    def add_member(self) -> BenchMember:
        login = self._hospital.add_staff(next(self._people))
        return self._register(f"staff:{login.principal_id}", login.token)

    def add_patient(self, records: int, record_bytes: int) -> BenchMember:
        """With as many checkups of about that length, and a token as after the password."""
        patient_uuid, token = add_patient(self.stores, next(self._people), records, record_bytes)
        return self._register(patient_member(patient_uuid), token)

    def _register(self, member: str, token: str) -> BenchMember:
        added = BenchMember(member, token, BenchDevice(member))
        with self.stores.threads(added.caller) as unit:
            register_device(unit, added.device.claim())
        return added

    def add_thread(self, owner: BenchMember, others: Sequence[BenchMember]) -> str:
        """With a key for all of them; the others write, too."""
        with self.stores.threads(owner.caller) as unit:
            thread_id, _ = create_thread(unit, uuid4(), {one.member: MemberRole.WRITER for one in others})
        keyset = owner.device.keyset(thread_id, [owner.device, *(one.device for one in others)])
        with self.stores.threads(owner.caller) as unit:
            make_keyset(unit, read_keyset(thread_id, keyset))
        return thread_id

    def add_served_thread(self, owner: BenchMember, others: Sequence[BenchMember]) -> str:
        """With `service:welno`, which makes its key."""
        members = dict.fromkeys([SERVICE_MEMBER, *(one.member for one in others)], MemberRole.WRITER)
        with self.stores.threads(owner.caller) as unit:
            return create_thread(unit, uuid4(), members, self.stores.service_member)[0]

    def close(self) -> None:
        self._hospital.close()
