"""The key under which a person's browser keeps their records, for as long as the session that opened them lives."""

from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


def derive_browser_key(pseudonym_key: str, token: str, patient_uuid: UUID) -> bytes:
    """The same for one token and patient, another for every other. It is stored nowhere, so nothing has to be deleted:
    it ends for a browser when nobody gives it any more to the token, and for all once the token's hash is gone."""
    info = f"browser-key\x1f{patient_uuid}".encode()
    return HKDF(SHA256(), _KEY_BYTES, salt=pseudonym_key.encode(), info=info).derive(token.encode())
