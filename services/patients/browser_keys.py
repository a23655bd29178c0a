"""The key under which a person's browser keeps their records, for as long as the session that opened them lives."""

from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


def derive_browser_key(pseudonym_key: str, token: str, patient_uuid: UUID) -> bytes:
    """The same for one token and patient, another for every other. We keep no more than a token's hash: once the
    browser has lost it nobody can derive the key again, not even who holds the database and our settings."""
    info = f"browser-key\x1f{patient_uuid}".encode()
    return HKDF(SHA256(), _KEY_BYTES, salt=pseudonym_key.encode(), info=info).derive(token.encode())
