"""The provider's side of the encryption: one RSA key pair per start, AES-128-CBC with a zero IV per request."""

import base64
import binascii

from cryptography.hazmat.primitives import padding as symmetric_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dev.sandbox.errors import EncryptionError

RSA_BITS = 2048
AES_BYTES = 16
ZERO_IV = bytes(16)


class KeyPair:
    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public_base64 = base64.b64encode(public).decode()

    def open_key(self, sealed: bytes) -> bytes:
        try:
            key = self._private.decrypt(sealed, padding.PKCS1v15())
        except ValueError as exc:
            raise EncryptionError("ENC-KEY") from exc
        # OpenSSL answers a wrong padding with random bytes (against Bleichenbacher's attack): the length tells.
        if len(key) != AES_BYTES:
            raise EncryptionError("ENC-KEY")
        return key


def read_sealed_key(header: str | None) -> bytes:
    """The ENC-KEY header as bytes, checked for its form only: strict base64 of exactly one RSA block."""
    try:
        sealed = binascii.a2b_base64(header or "", strict_mode=True)
    except ValueError as exc:
        raise EncryptionError("ENC-KEY") from exc
    if len(sealed) != RSA_BITS // 8:
        raise EncryptionError("ENC-KEY")
    return sealed


def decrypt_field(key: bytes, field: str, value: str) -> str:
    try:
        sealed = binascii.a2b_base64(value, strict_mode=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(ZERO_IV)).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = symmetric_padding.PKCS7(128).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as exc:
        raise EncryptionError(field) from exc


def encrypt_field(key: bytes, text: str) -> str:
    padder = symmetric_padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(ZERO_IV)).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
