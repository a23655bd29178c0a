"""A dynamic tag's chip for the tests: what its address ends with at each reading. Beside the public vector of NXP's
AN12196, which both it and our own code have to meet."""

import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

VECTOR = {"e": "EF963FF7828658A599F3041510671E88", "c": "94EED9EE65337086"}
VECTOR_KEY, VECTOR_UID, VECTOR_COUNTER = "00" * 16, "04DE5F1EACC040", 61


@dataclass
class SunTag:
    """`uid` and `key` are hexadecimal digits."""

    uid: str = "04A1B2C3D4E5F6"
    key: str = "5ACE7E50AB65D5D51FD5BF5A16B8205B"
    counter: int = 0
    kind: int = 0xC7

    def read(self) -> dict[str, str]:
        """The phone is held to it once more."""
        self.counter += 1
        return self.told(self.counter)

    def told(self, counter: int, padding: bytes | None = None) -> dict[str, str]:
        known = bytes.fromhex(self.uid) + counter.to_bytes(3, "little")
        plain = bytes([self.kind]) + known + (os.urandom(5) if padding is None else padding)
        making = Cipher(AES128(self._key), CBC(bytes(16))).encryptor()
        session_key = _cmac(self._key, bytes.fromhex("3CC300010080") + known)
        return {"e": (making.update(plain) + making.finalize()).hex().upper(), "c": _cmac(session_key)[1::2].hex()}

    @property
    def _key(self) -> bytes:
        return bytes.fromhex(self.key)


def _cmac(key: bytes, message: bytes = b"") -> bytes:
    made = CMAC(AES128(key))
    made.update(message)
    return made.finalize()
