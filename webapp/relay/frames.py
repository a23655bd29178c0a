"""RFC 6455 frames, without any input or output: bytes in, messages out, and the other way."""

import codecs
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from webapp.relay.closing import CloseCode
from webapp.relay.errors import ProtocolError

_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_CONTROL = 0x08
_CONTROL_MAX_BYTES = 125
_SENDABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class Opcode(IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_OPCODES = {int(code): code for code in Opcode}


class Message(NamedTuple):
    """A whole message, its fragments joined; text is checked to be UTF-8. A fragment on its way has no opcode."""

    opcode: Opcode | None
    payload: bytes


FRAGMENT = Message(None, b"")


def encode_frame(opcode: Opcode, payload: bytes) -> bytes:
    """One unmasked frame, as a server sends it."""
    size = len(payload)
    if size <= _CONTROL_MAX_BYTES:
        return bytes((_FIN | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((_FIN | opcode, 126)) + size.to_bytes(2) + payload
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8) + payload


def encode_close(code: int | None, reason: str = "") -> bytes:
    """Without a code the empty close, the answer to an empty close."""
    if code is None:
        return encode_frame(Opcode.CLOSE, b"")
    return encode_frame(Opcode.CLOSE, code.to_bytes(2) + _cut(reason, _CONTROL_MAX_BYTES - 2))


def decode_close(payload: bytes) -> int | None:
    """The code of a close frame; None when it carries none. Raises ProtocolError."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 0
    if code not in _SENDABLE and not 3000 <= code <= 4999:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a close code that may not be sent")
    _check_text(payload[2:])
    return code


def unmask(key: bytes, payload: bytes) -> bytes:
    """Exclusive-or with the repeated key, as one big number: no loop in Python."""
    size = len(payload)
    if not size or key == b"\0\0\0\0":
        return payload
    stretched = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(stretched)).to_bytes(size)


class FrameReader:
    """Feeds on what a client sent; whatever the cuts between reads, the messages are the same.

    Holds at most one message of `max_bytes` and one incomplete frame; nothing while the client is silent.
    """

    __slots__ = ("_checked", "_decoder", "_max_bytes", "_opcode", "_parts", "_rest", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = b""
        self._parts: list[bytes] | None = None
        self._opcode = Opcode.TEXT
        self._size = 0
        self._checked = 0  # so many bytes of the incomplete frame have been looked at
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def is_midway(self) -> bool:
        """Whether a message has begun and not ended; else the reader may be thrown away."""
        return bool(self._rest) or self._parts is not None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Every frame gives a Message (FRAGMENT for an unfinished one). Raises ProtocolError, and is done then."""
        data = self._rest + data if self._rest else data
        self._rest = b""
        at = 0
        while (end := self._frame_end(data, at)) is not None:
            message = self._take(data, at, end)
            at = end
            yield message
        self._rest = data[at:]
        self._check_early()

    def _frame_end(self, data: bytes, at: int) -> int | None:
        """Where the frame at `at` ends, None while it is not all there; its header is checked at once."""
        have = len(data) - at
        if have < 2:
            return None
        self._check_header(data[at], data[at + 1])
        header = _header_bytes(data[at + 1])
        if have < header:
            return None
        size = _payload_bytes(data, at)
        self._check_size(data[at], size)
        return at + header + size if have >= header + size else None

    def _check_header(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RESERVED:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set and no extension agreed")
        if opcode not in _OPCODES:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a reserved opcode")
        if not second & _MASKED:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a client's frame is not masked")
        if opcode & _CONTROL:
            if not first & _FIN or second & 0x7F > _CONTROL_MAX_BYTES:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a control frame in pieces or too long")
        elif (opcode == Opcode.CONTINUATION) is (self._parts is None):
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a fragment out of place")

    def _check_size(self, first: int, size: int) -> None:
        if size >> 63:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "a length with its highest bit set")
        before = 0 if first & _CONTROL else self._size
        if before + size > self._max_bytes and not first & _CONTROL:
            raise ProtocolError(CloseCode.TOO_BIG, "a message above the limit")

    def _take(self, data: bytes, at: int, end: int) -> Message:
        header = _header_bytes(data[at + 1])
        payload = unmask(data[at + header - 4 : at + header], data[at + header : end])
        opcode = _OPCODES[data[at] & 0x0F]
        is_final = bool(data[at] & _FIN)
        if opcode & _CONTROL:
            return Message(opcode, payload)
        if is_final and self._parts is None and not self._checked:
            if opcode is Opcode.TEXT:
                _check_text(payload)
            return Message(opcode, payload)
        return self._join(opcode, payload, is_final=is_final)

    def _join(self, opcode: Opcode, payload: bytes, *, is_final: bool) -> Message:
        if self._parts is None:
            self._parts, self._opcode = [], opcode
        self._parts.append(payload)
        self._size += len(payload)
        if self._opcode is Opcode.TEXT:
            self._check_more(payload[self._checked :], is_final=is_final)
        self._checked = 0
        if not is_final:
            return FRAGMENT
        whole = Message(self._opcode, b"".join(self._parts))
        self._parts, self._decoder, self._size = None, None, 0
        return whole

    def _check_early(self) -> None:
        """Of a text still on its way, what has come: its first wrong byte ends it, not its last."""
        data = self._rest
        if len(data) < 2 or not self._is_text(data[0]):
            return
        header = _header_bytes(data[1])
        payload = data[header + self._checked :]
        if not payload:
            return
        key, shift = data[header - 4 : header], self._checked % 4
        self._checked += len(payload)
        self._check_more(unmask(key[shift:] + key[:shift], payload), is_final=False)

    def _is_text(self, first: int) -> bool:
        opcode = first & 0x0F
        return opcode == Opcode.TEXT or (opcode == Opcode.CONTINUATION and self._opcode is Opcode.TEXT)

    def _check_more(self, payload: bytes, *, is_final: bool) -> None:
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            self._decoder.decode(payload, final=is_final)
        except UnicodeDecodeError as exc:
            raise ProtocolError(CloseCode.INVALID_TEXT, "text is not UTF-8") from exc


def _header_bytes(second: int) -> int:
    short = second & 0x7F
    return 2 + {126: 2, 127: 8}.get(short, 0) + 4


def _payload_bytes(data: bytes, at: int) -> int:
    short = data[at + 1] & 0x7F
    if short < 126:
        return short
    return int.from_bytes(data[at + 2 : at + (4 if short == 126 else 10)])


def _check_text(payload: bytes) -> None:
    if payload.isascii():
        return
    try:
        payload.decode()
    except UnicodeDecodeError as exc:
        raise ProtocolError(CloseCode.INVALID_TEXT, "text is not UTF-8") from exc


def _cut(text: str, max_bytes: int) -> bytes:
    """At most so many bytes, and no half character at the end."""
    return text.encode()[:max_bytes].decode(errors="ignore").encode()
