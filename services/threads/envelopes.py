"""The envelope as a client sends it: its shape, and the texts that its sender signed and authenticated."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from core.base64url import decode_bytes
from core.moments import is_moment
from services.threads.encoding import hash_bytes, is_thread_id, is_uuid, read_kid
from services.threads.texts import envelope_text

VERSION, ALGORITHM = 1, "A256GCM"
TAG_BYTES, _IV_BYTES, _SIGNATURE_BYTES = 16, 12, 64
_LARGEST_SEQ = 2**53 - 1
_CONTENT_TYPE_MAX = 100
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_CONTENT_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+", re.ASCII)
_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def _fits(pattern: re.Pattern[str], longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value) is not None


def is_client_seq(value: object) -> bool:
    return type(value) is int and 1 <= value <= _LARGEST_SEQ


def _is_enc(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"alg", "kid", "iv"}
        and value["alg"] == ALGORITHM
        and read_kid(value["kid"]) is not None
        and decode_bytes(value["iv"], _IV_BYTES) is not None
    )


_RULES: Mapping[str, Callable[[Any], bool]] = {
    "v": lambda value: type(value) is int and value == VERSION,
    "threadId": is_thread_id,
    "dedupeId": is_uuid,
    "clientId": is_uuid,
    "clientSeq": is_client_seq,
    "kind": _fits(_KIND, 32),
    "contentType": _fits(_CONTENT_TYPE, _CONTENT_TYPE_MAX),
    "createdAt": is_moment,
    "enc": _is_enc,
    "payload": lambda value: isinstance(value, str),
    "payloadHash": _fits(_HASH, 71),
    "sig": lambda value: decode_bytes(value, _SIGNATURE_BYTES) is not None,
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """Of the right shape. `fields` is the envelope without its payload, in the order in which it is kept and sent."""

    fields: Mapping[str, Any] = field(repr=False)
    payload: bytes = field(repr=False)

    @classmethod
    def read(cls, value: object) -> Self | None:
        """None for what is unknown, missing or malformed in any field."""
        if not isinstance(value, dict) or value.keys() != _RULES.keys():
            return None
        if not all(rule(value[name]) for name, rule in _RULES.items()):
            return None
        payload = decode_bytes(value["payload"])
        if payload is None or len(payload) < TAG_BYTES:
            return None
        enc = {name: value["enc"][name] for name in ("alg", "kid", "iv")}
        return cls({name: value[name] for name in _RULES} | {"enc": enc, "payload": ""}, payload)

    @property
    def thread_id(self) -> str:
        return str(self.fields["threadId"])

    @property
    def dedupe_id(self) -> str:
        return str(self.fields["dedupeId"])

    @property
    def client_id(self) -> str:
        return str(self.fields["clientId"])

    @property
    def client_seq(self) -> int:
        return int(self.fields["clientSeq"])

    @property
    def generation(self) -> int:
        """Of the key, by its kid."""
        return read_kid(self.fields["enc"]["kid"]) or 0

    @property
    def sig(self) -> str:
        return str(self.fields["sig"])

    @property
    def is_hash_right(self) -> bool:
        return bool(hash_bytes(self.payload) == self.fields["payloadHash"])

    @property
    def signed(self) -> bytes:
        """What its sender signed: the additional authenticated data, iv and hash of the payload as further lines."""
        names = ("threadId", "dedupeId", "clientId", "clientSeq", "kind", "contentType", "createdAt")
        enc = self.fields["enc"]
        parts = [self.fields[name] for name in names]
        return envelope_text(*parts, enc["alg"], enc["kid"], enc["iv"], self.fields["payloadHash"])

    @property
    def digest(self) -> str:
        """Two that were signed alike are one and the same envelope."""
        return hash_bytes(self.signed)
