"""A key for each purpose, derived from one secret by HKDF (RFC 5869): who learns one key learns no other."""

import re
from enum import StrEnum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_BEFORE_WHOSE = re.compile(r"[^:/]*")


class Purpose(StrEnum):
    """Of keys derived from `WELNO_PSEUDONYM_KEY`; the pseudonyms themselves and patients' uuids stand under the secret
    itself, as what is stored under them cannot be written anew."""

    ACCESS_CHAIN = "access log chain"
    ACCESS_OF_NOBODY = "access log, looks at nobody"
    LIMITS = "limits"
    READERS = "readers"
    CHAT_USERS = "users of the chat"
    CHAT_PLACEHOLDERS = "placeholders of the chat"


class MasterKey(bytes):
    """A sealing key that seals nothing itself."""


def derive_key(secret: bytes, purpose: str) -> bytes:
    """32 bytes, always the same ones."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"welno/{purpose}".encode()).derive(secret)


def purpose_of(context: str) -> str:
    """Of what is sealed in a context such as `auth:{session_id}` or `spool/{session_id}/treatments`: what it is, not
    whose."""
    found = _BEFORE_WHOSE.match(context)
    return f"sealing/{found[0] if found else ''}"
