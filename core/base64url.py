"""Bytes as base64url without padding (RFC 7515, section 2): each value has exactly one spelling."""

import base64
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def encode_bytes(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_bytes(text: object, length: int | None = None) -> bytes | None:
    """None for what `encode_bytes` does not write: other letters, padding, unused bits that are not 0, another length.

    Otherwise two texts would stand for the same bytes, and a signed text could be told in two ways.
    """
    if not isinstance(text, str) or len(text) % 4 == 1 or not _ALPHABET.fullmatch(text):
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if (length is None or len(data) == length) and encode_bytes(data) == text else None
