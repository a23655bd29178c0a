"""What a dynamic tag (NXP's NTAG 424 DNA) says in its address at each reading, by NXP's AN12196: `e`, its UID and how
often it was read, encrypted, and `c`, a MAC of both. One key of the tag's encrypts the one and makes the other. Pure.

Errors: SunInvalid (not retryable).
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.constant_time import bytes_eq

KEY_BYTES, UID_BYTES = 16, 7
_E = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
_C = re.compile(r"[0-9A-Fa-f]{16}", re.ASCII)
_NO_VECTOR = bytes(16)
# PICCDataTag: the UID is mirrored, so is the counter, and the UID has seven bytes. Random bytes follow the counter.
_KIND = 0xC7
_COUNTER = slice(1 + UID_BYTES, 1 + UID_BYTES + 3)
# SV2 without UID and counter: what the key of a reading's MAC is derived from.
_SESSION = bytes.fromhex("3CC300010080")


class SunInvalid(Exception):
    """This key made no such pair."""

    retryable = False


@dataclass(frozen=True)
class SunPair:
    """As it stands in the address: 32 and 16 hexadecimal digits, where it is one at all."""

    e: str
    c: str

    @classmethod
    def of_address(cls, address: str) -> "SunPair | None":
        """None where it carries neither, or is no address."""
        try:
            said = dict(parse_qsl(urlsplit(address).query))
        except ValueError:
            return None
        return cls(said.get("e", ""), said.get("c", "")) if said.keys() & {"e", "c"} else None


@dataclass(frozen=True)
class SunReading:
    """`counter` is greater at each reading, up to 2^24 - 1."""

    uid: bytes
    counter: int


def read_sun(key: bytes, pair: SunPair) -> SunReading:
    """`key` has 16 bytes. Raises SunInvalid."""
    if not _E.fullmatch(pair.e) or not _C.fullmatch(pair.c):
        raise SunInvalid("not of this form")
    opening = Cipher(AES128(key), CBC(_NO_VECTOR)).decryptor()
    told = opening.update(bytes.fromhex(pair.e)) + opening.finalize()
    uid, counter = told[1 : 1 + UID_BYTES], told[_COUNTER]
    is_made = bytes_eq(_mac_of(key, uid, counter), bytes.fromhex(pair.c))
    if not is_made or told[0] != _KIND:
        raise SunInvalid("of another key, or changed")
    return SunReading(uid, int.from_bytes(counter, "little"))


def _mac_of(key: bytes, uid: bytes, counter: bytes) -> bytes:
    """Of a file of which nothing is mirrored: each second byte of the MAC of nothing."""
    session_key = _cmac(key, _SESSION + uid + counter)
    return _cmac(session_key, b"")[1::2]


def _cmac(key: bytes, message: bytes) -> bytes:
    made = CMAC(AES128(key))
    made.update(message)
    return made.finalize()
