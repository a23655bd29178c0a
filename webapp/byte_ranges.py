"""Which bytes of a file a request asks for: RFC 9110, sections 13 and 14, of one range."""

import re
from dataclasses import dataclass

from flask import Request

_SPEC = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class UnsatisfiableRange(Exception):
    """No byte of the file lies in it."""

    retryable = False


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `first` to before `end`."""

    first: int
    end: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.first}-{self.end - 1}/{size}"


def find_range(request: Request, etag: str, size: int) -> ByteRange | None:
    """None: the whole. So it is also for what is no range, for several at once, for those of a HEAD, and where
    `If-Range` names another state than the strong `etag`, or a date. Raises UnsatisfiableRange."""
    header = request.headers.get("Range")
    if header is None or request.method != "GET":
        return None
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip() != f'"{etag}"':
        return None
    found = _SPEC.fullmatch(header.strip())
    if found is None or (not found[1] and not found[2]):
        return None
    return _resolve(found[1], found[2], size)


def _resolve(first: str, last: str, size: int) -> ByteRange | None:
    if not first:
        begin, end = max(0, size - int(last)), size
    elif last and int(last) < int(first):
        return None  # malformed, and so ignored
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    if begin >= end:
        raise UnsatisfiableRange
    return ByteRange(begin, end)
