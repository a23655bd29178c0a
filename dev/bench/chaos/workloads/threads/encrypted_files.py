"""Files of SMART Health Links as a browser makes them: their ciphertext is random, which to a server is the same."""

import os
import random

from core.base64url import encode_bytes
from services.shl.files import ContentType

_HEAD = encode_bytes(b'{"alg":"dir","enc":"A256GCM","cty":"application/fhir+json"}')
_IV_BYTES, _TAG_BYTES = 12, 16
_AROUND = len(f"{_HEAD}....") + len(encode_bytes(bytes(_IV_BYTES))) + len(encode_bytes(bytes(_TAG_BYTES)))


def make_file(length: int, rng: random.Random | None = None) -> dict[str, str]:
    """As `POST /api/shl` takes it: a compact JWE of about this length."""
    random_bytes = os.urandom if rng is None else rng.randbytes
    octets = max(1, (length - _AROUND) * 3 // 4)
    parts = [_HEAD, "", *(encode_bytes(random_bytes(size)) for size in (_IV_BYTES, octets, _TAG_BYTES))]
    return {"contentType": str(ContentType.FHIR), "jwe": ".".join(parts)}
