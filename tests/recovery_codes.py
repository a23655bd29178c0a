"""A member's printed recovery code, for tests: 40 letters, and the keys of a device that are derived from them."""

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.thread_devices import ClientDevice, derive

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's
_RAW_BYTES, _LETTERS, _GROUP, _LETTER_BITS = 24, 40, 5, 5


@dataclass(frozen=True)
class PrintedCode:
    """What is on paper, and the device as which the server knows it."""

    text: str = field(repr=False)
    device: ClientDevice

    @classmethod
    def make(cls, member: str) -> "PrintedCode":
        text = write_code(os.urandom(_RAW_BYTES))
        return cls(text, device_of_code(text, member))


def write_code(raw: bytes) -> str:
    number = int.from_bytes(raw + _check_of(raw))
    shifts = range(_LETTER_BITS * (_LETTERS - 1), -1, -_LETTER_BITS)
    letters = "".join(_BASE32[(number >> shift) & 31] for shift in shifts)
    return "-".join(letters[at : at + _GROUP] for at in range(0, _LETTERS, _GROUP))


def read_code(text: str) -> bytes:
    """Raises ValueError for one that was mistyped."""
    number = 0
    for letter in text.replace("-", ""):
        number = (number << _LETTER_BITS) | _BASE32.index(letter)
    whole = number.to_bytes(_RAW_BYTES + 1)
    raw = whole[:_RAW_BYTES]
    if whole[_RAW_BYTES:] != _check_of(raw):
        raise ValueError("the check does not fit")
    return raw


def device_of_code(text: str, member: str) -> ClientDevice:
    """Under an id of its own: the code knows none."""
    raw = read_code(text)
    kem = X25519PrivateKey.from_private_bytes(derive(raw, "welno.recovery.v1 kem", member))
    sign = Ed25519PrivateKey.from_private_bytes(derive(raw, "welno.recovery.v1 sign", member))
    return ClientDevice(member, kem=kem, sign=sign)


def _check_of(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()[:1]
