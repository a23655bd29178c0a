"""SMART Health Links by hand, with `cryptography`: compact JWE and the text of a link, apart from what we serve."""

import base64
import json
import os
import zlib
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FHIR = "application/fhir+json"
CARD = "application/smart-health-card"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encrypt(
    key: bytes, text: bytes, content_type: str = FHIR, *, deflate: bool = False, iv: bytes | None = None
) -> str:
    head = {"alg": "dir", "enc": "A256GCM", "cty": content_type} | ({"zip": "DEF"} if deflate else {})
    protected, nonce = encode(json.dumps(head).encode()), iv or os.urandom(12)
    if deflate:
        packer = zlib.compressobj(wbits=-15)
        text = packer.compress(text) + packer.flush()
    sealed = AESGCM(key).encrypt(nonce, text, protected.encode())
    return ".".join([protected, "", encode(nonce), encode(sealed[:-16]), encode(sealed[-16:])])


def decrypt(key: bytes, jwe: str) -> tuple[dict[str, Any], bytes]:
    protected, encrypted_key, iv, sealed, tag = jwe.split(".")
    assert encrypted_key == ""
    head = json.loads(decode(protected))
    assert (head["alg"], head["enc"]) == ("dir", "A256GCM")
    text = AESGCM(key).decrypt(decode(iv), decode(sealed) + decode(tag), protected.encode())
    return head, zlib.decompress(text, wbits=-15) if head.get("zip") == "DEF" else text


def read_link(text: str) -> dict[str, Any]:
    """The payload; with or without a viewer's address before it."""
    payload: dict[str, Any] = json.loads(decode(text.rpartition("shlink:/")[2]))
    return payload


def write_link(payload: dict[str, Any]) -> str:
    return "shlink:/" + encode(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())
