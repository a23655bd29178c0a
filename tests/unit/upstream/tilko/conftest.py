"""An invented person, invented tokens and a provider that can open what was sent, by code of its own."""

import base64
import json
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson, TilkoRequest


@dataclass
class Provider:
    private_key: rsa.RSAPrivateKey

    def public_text(self) -> str:
        der = self.private_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def aes_key(self, request: TilkoRequest) -> bytes:
        return self.private_key.decrypt(base64.b64decode(request.headers["ENC-KEY"]), padding.PKCS1v15())

    def open(self, request: TilkoRequest) -> dict[str, str]:
        """The fields with the encrypted ones opened."""
        aes_key, body = self.aes_key(request), json.loads(request.body)
        fields = body.get("Auth", body)
        for name in ("UserName", "BirthDate", "UserCellphoneNumber"):
            opener = Cipher(algorithms.AES(aes_key), modes.CBC(b"\x00" * 16)).decryptor()
            unpadder = block_padding.PKCS7(128).unpadder()
            padded = opener.update(base64.b64decode(fields[name])) + opener.finalize()
            fields[name] = (unpadder.update(padded) + unpadder.finalize()).decode()
        return fields


@pytest.fixture(scope="session")
def provider():
    return Provider(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture(scope="session")
def key(provider):
    return PublicKey.parse("invented-api-key", provider.public_text())


@pytest.fixture
def person():
    return TilkoPerson("김하늘", "19840517", "01012345678", "0")


@pytest.fixture
def tokens():
    return AuthTokens("cx-invented", "0", "req-invented", "token-invented", "tx-invented")
