"""Builds Tilko's requests without sending them: a fresh AES key for each, carried under the provider's RSA key.

The scheme (AES-128-CBC with a zero IV, RSAES-PKCS1-v1_5) is the provider's. With that IV only the fresh key keeps
equal names from giving equal ciphertexts. The poller builds thousands of these a second on one core.
"""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIMPLE_AUTH_PATH = "/api/v1.0/nhissimpleauth/simpleauthrequest"
CHECKUPS_PATH = "/api/v1.0/nhissimpleauth/ggpab003m0105"
TREATMENTS_PATH = "/api/v1.0/nhissimpleauth/retrievetreatmentinjectioninformationperson"

LOGIN_CHECK_PATH = "/api/{version}/nhissimpleauth/LoginCheck"

PRIVATE_AUTH_TYPES = frozenset("0123456")

_BLOCK_BYTES = 16
_SINGLE_BLOCKS = ECB()  # noqa: S305 only the block cipher itself; `_encrypt` chains
_RSA_PADDING = PKCS1v15()
_PADDINGS = [bytes([n]) * n for n in range(_BLOCK_BYTES + 1)]  # PKCS#7, by length


@dataclass(frozen=True, slots=True, repr=False)
class TilkoPerson:
    """Who asks: birthdate as yyyyMMdd, phone number in digits, authenticator as its code."""

    user_name: str
    birthdate: str
    phone_no: str
    private_auth_type: str

    def __post_init__(self) -> None:
        if (
            not self.user_name
            or len(self.birthdate) != len("yyyyMMdd")
            or self.private_auth_type not in PRIVATE_AUTH_TYPES
        ):
            raise ValueError("a person needs a name, a birth date of eight digits and a known authenticator")
        if (
            not (self.birthdate + self.phone_no).isascii()
            or not self.birthdate.isdecimal()
            or not self.phone_no.isdecimal()
        ):
            raise ValueError("birth date and phone number take digits only")

    def __repr__(self) -> str:
        return "TilkoPerson(...)"

    def secrets(self) -> tuple[str, ...]:
        """What no error may repeat."""
        return (self.user_name, self.birthdate, self.phone_no)


@dataclass(frozen=True, slots=True, repr=False)
class AuthTokens:
    """What Tilko gave for this authentication. Whoever holds it can read the person's records: seal it."""

    cx_id: str
    private_auth_type: str
    req_tx_id: str
    token: str
    tx_id: str

    def __repr__(self) -> str:
        return "AuthTokens(...)"

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, str]) -> "AuthTokens":
        """Raises ValueError when it is not what `to_dict` gave."""
        if set(fields) != set(cls.__slots__) or not all(isinstance(value, str) for value in fields.values()):
            raise ValueError("these are no authentication tokens")
        return cls(**fields)

    def secrets(self) -> tuple[str, ...]:
        return (self.cx_id, self.req_tx_id, self.token, self.tx_id)


@dataclass(frozen=True, slots=True, repr=False)
class PublicKey:
    """The provider's RSA key, parsed once, with the API key it was asked for."""

    api_key: str
    rsa: RSAPublicKey

    def __repr__(self) -> str:
        return "PublicKey(...)"

    @classmethod
    def parse(cls, api_key: str, text: str) -> "PublicKey":
        """`text` is base64 of the DER SubjectPublicKeyInfo. Raises ValueError."""
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
        if not isinstance(key, RSAPublicKey):
            raise ValueError("the provider's public key is not an RSA key")  # noqa: TRY004 a bad value, not a bad argument
        return cls(api_key, key)


@dataclass(frozen=True, slots=True, repr=False)
class TilkoRequest:
    """A POST, ready to send: the path begins with a slash."""

    path: str
    headers: dict[str, str]
    body: bytes


def public_key_path(api_key: str) -> str:
    return f"/api/Auth/GetPublicKey?APIkey={quote(api_key, safe='')}"


def build_simple_auth(key: PublicKey, person: TilkoPerson) -> TilkoRequest:
    return _build(key, SIMPLE_AUTH_PATH, person, {"PrivateAuthType": person.private_auth_type})


def build_login_check(key: PublicKey, version: str, person: TilkoPerson, tokens: AuthTokens) -> TilkoRequest:
    """`version` is the API's: `v2.0` or `v1.0`."""
    fields = _plain_tokens(tokens)
    return _seal(key, LOGIN_CHECK_PATH.format(version=version), person, fields, {"Auth": fields})


def build_checkups(key: PublicKey, person: TilkoPerson, tokens: AuthTokens) -> TilkoRequest:
    return _build(key, CHECKUPS_PATH, person, _plain_tokens(tokens))


def build_treatments(key: PublicKey, person: TilkoPerson, tokens: AuthTokens, start: date, end: date) -> TilkoRequest:
    fields = _plain_tokens(tokens)
    fields["StartDate"] = start.strftime("%Y%m%d")
    fields["EndDate"] = end.strftime("%Y%m%d")
    return _build(key, TREATMENTS_PATH, person, fields)


def _plain_tokens(tokens: AuthTokens) -> dict[str, str]:
    return {
        "CxId": tokens.cx_id,
        "PrivateAuthType": tokens.private_auth_type,
        "ReqTxId": tokens.req_tx_id,
        "Token": tokens.token,
        "TxId": tokens.tx_id,
    }


def _build(key: PublicKey, path: str, person: TilkoPerson, fields: dict[str, str]) -> TilkoRequest:
    return _seal(key, path, person, fields, fields)


def _seal(
    key: PublicKey, path: str, person: TilkoPerson, fields: dict[str, str], body: Mapping[str, Any]
) -> TilkoRequest:
    """The person's fields are added to `fields`, wherever in the body these stand."""
    aes_key = os.urandom(_BLOCK_BYTES)
    # Setting up a cipher costs more than the blocks: one does for all three, chained here (see `_encrypt`).
    encrypt_block = Cipher(AES128(aes_key), _SINGLE_BLOCKS).encryptor().update
    fields["UserName"] = _encrypt(encrypt_block, person.user_name)
    fields["BirthDate"] = _encrypt(encrypt_block, person.birthdate)
    fields["UserCellphoneNumber"] = _encrypt(encrypt_block, person.phone_no)
    headers = {
        "Content-Type": "application/json",
        "API-KEY": key.api_key,
        "ENC-KEY": base64.b64encode(key.rsa.encrypt(aes_key, _RSA_PADDING)).decode(),
    }
    return TilkoRequest(path, headers, orjson.dumps(body))


def _encrypt(encrypt_block: Callable[[bytes], bytes], text: str) -> str:
    """CBC with the zero IV: the first block goes in as it is, each other one mixed with the last that came out."""
    data = text.encode()
    padded = data + _PADDINGS[_BLOCK_BYTES - len(data) % _BLOCK_BYTES]
    last = encrypt_block(padded[:_BLOCK_BYTES])
    encrypted = last
    for start in range(_BLOCK_BYTES, len(padded), _BLOCK_BYTES):
        mixed = int.from_bytes(last) ^ int.from_bytes(padded[start : start + _BLOCK_BYTES])
        last = encrypt_block(mixed.to_bytes(_BLOCK_BYTES))
        encrypted += last
    return base64.b64encode(encrypted).decode()
