"""What is looked at of an encrypted file: that it is a compact JWE as the specification wants. Nobody here has keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson

from core.base64url import decode_bytes
from services.shl.errors import MalformedFiles

_IV_BYTES, _TAG_BYTES = 12, 16
_PARTS = 5


class ContentType(StrEnum):
    """Of what is encrypted."""

    FHIR = "application/fhir+json"
    HEALTH_CARD = "application/smart-health-card"


@dataclass(frozen=True)
class EncryptedFile:
    """One file as its maker sent it."""

    content_type: str
    jwe: str

    @property
    def nonce(self) -> str:
        return self.jwe.split(".", 3)[2]


def check_files(files: Sequence[EncryptedFile]) -> None:
    """Raises MalformedFiles. All are under one key, so no nonce may come twice: two texts under one would open both."""
    seen: set[str] = set()
    for position, file in enumerate(files):
        if not _is_well_formed(file) or file.nonce in seen:
            raise MalformedFiles(position)
        seen.add(file.nonce)


def _is_well_formed(file: EncryptedFile) -> bool:
    parts = file.jwe.split(".")
    if len(parts) != _PARTS:
        return False
    head, key, iv, ciphertext, tag = parts
    lengths_fit = decode_bytes(iv, _IV_BYTES) and decode_bytes(tag, _TAG_BYTES) and decode_bytes(ciphertext)
    return key == "" and bool(lengths_fit) and _names_its_cipher(head, file.content_type)


def _names_its_cipher(head: str, content_type: str) -> bool:
    try:
        told = orjson.loads(decode_bytes(head) or b"")
    except orjson.JSONDecodeError:
        return False
    wanted = {"alg": "dir", "enc": "A256GCM", "cty": content_type}
    return isinstance(told, dict) and told | wanted == told and told.get("zip", "DEF") == "DEF"
