"""Changes the bytes of an answer that was billed: other encodings and codings, odd rows, what stands around it.

`replace` [[old, new], ...] in its text, `charset` to encode it in, `prefix` and `suffix` in base64, `truncate` to so
many bytes, `coding` ["gzip", "deflate", ...] in the order in which they are applied. In this order; each may be left
out.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dev.sandbox.errors import BadInputError
from dev.sandbox.replies import Reply

_CODINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
_CHARSETS = frozenset({"utf-8", "utf-16", "cp949"})
_KNOWN = frozenset({"replace", "charset", "prefix", "suffix", "truncate", "coding"})


@dataclass(frozen=True, slots=True)
class Reshaping:
    replacements: tuple[tuple[str, str], ...]
    charset: str
    prefix: bytes
    suffix: bytes
    truncate: int | None
    codings: tuple[str, ...]

    def apply(self, reply: Reply, headers: dict[str, str]) -> Reply:
        text = b"".join(reply.parts).decode()
        for old, new in self.replacements:
            text = text.replace(old, new)
        body = (self.prefix + text.encode(self.charset, "replace") + self.suffix)[: self.truncate]
        for coding in self.codings:
            body = _CODINGS[coding](body)
        coded = {"Content-Encoding": ", ".join(self.codings)} if self.codings else {}
        return replace(reply, parts=(body,), headers=headers | coded)


def read_reshaping(given: Any) -> Reshaping:
    """Raises BadInputError."""
    if not isinstance(given, dict) or not given or not given.keys() <= _KNOWN:
        raise BadInputError("reshape", f"must be an object with some of {', '.join(sorted(_KNOWN))}")
    codings, charset = tuple(given.get("coding", ())), given.get("charset", "utf-8")
    if not set(_CODINGS) >= set(codings) or charset not in _CHARSETS:
        raise BadInputError("reshape", "names an unknown coding or charset")
    pairs = tuple((str(old), str(new)) for old, new in given.get("replace", ()))
    truncate = given.get("truncate")
    try:
        prefix = base64.b64decode(given.get("prefix", ""), validate=True)
        suffix = base64.b64decode(given.get("suffix", ""), validate=True)
    except (binascii.Error, TypeError) as exc:
        raise BadInputError("reshape", "prefix and suffix must be base64") from exc
    return Reshaping(pairs, charset, prefix, suffix, None if truncate is None else int(truncate), codings)
