"""RFC 6455 by a table of cases, numbered as in the Autobahn suite where it has them."""

import itertools
import random

import pytest

from tests.unit.relay.frames import client_frame, read_whole, text_in_parts
from webapp.relay.closing import CloseCode
from webapp.relay.errors import ProtocolError
from webapp.relay.frames import FrameReader, Message, Opcode, decode_close, encode_close, encode_frame, unmask

TEXT, BINARY, CLOSE, PING, PONG = Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE, Opcode.PING, Opcode.PONG

GOOD = {
    "1.1.1 empty text": (client_frame(1), [(TEXT, b"")]),
    "1.1.2 text of 125": (client_frame(1, b"x" * 125), [(TEXT, b"x" * 125)]),
    "1.1.3 text of 126": (client_frame(1, b"x" * 126), [(TEXT, b"x" * 126)]),
    "1.1.5 text of 128": (client_frame(1, b"x" * 128), [(TEXT, b"x" * 128)]),
    "1.1.6 text of 65535": (client_frame(1, b"x" * 65535), [(TEXT, b"x" * 65535)]),
    "1.1.7 text of 65536": (client_frame(1, b"x" * 65536), [(TEXT, b"x" * 65536)]),
    "1.2.1 empty binary": (client_frame(2), [(BINARY, b"")]),
    "1.2.7 binary of 65536": (client_frame(2, b"\xfe" * 65536), [(BINARY, b"\xfe" * 65536)]),
    "2.1 ping without payload": (client_frame(9), [(PING, b"")]),
    "2.3 ping with binary payload": (client_frame(9, b"\x00\xff\xfe"), [(PING, b"\x00\xff\xfe")]),
    "2.4 ping of 125": (client_frame(9, b"\xfe" * 125), [(PING, b"\xfe" * 125)]),
    "2.7 unsolicited pong": (client_frame(10), [(PONG, b"")]),
    "2.10 ten pings": (b"".join(client_frame(9, b"%d" % n) for n in range(10)), [(PING, b"%d" % n) for n in range(10)]),
    "5.3 text in two": (text_in_parts(b"one", b"two"), [(TEXT, b"onetwo")]),
    "5.6 ping between fragments": (
        client_frame(1, b"a", fin=False) + client_frame(9, b"p") + client_frame(0, b"b"),
        [(PING, b"p"), (TEXT, b"ab")],
    ),
    "5.19 pings among five fragments": (
        client_frame(1, b"1", fin=False)
        + client_frame(0, b"2", fin=False)
        + client_frame(9, b"x")
        + client_frame(0, b"3", fin=False)
        + client_frame(9, b"y")
        + client_frame(0, b"4"),
        [(PING, b"x"), (PING, b"y"), (TEXT, b"1234")],
    ),
    "6.1.2 three empty fragments": (text_in_parts(b"", b"", b""), [(TEXT, b"")]),
    "6.1.3 empty, full, empty": (text_in_parts(b"", b"middle", b""), [(TEXT, b"middle")]),
    "6.2.1 Korean": (client_frame(1, "확인했어요".encode()), [(TEXT, "확인했어요".encode())]),
    "6.2.3 one byte per fragment": (
        text_in_parts(*[bytes([b]) for b in "가나다κόσμε🎉".encode()]),
        [(TEXT, "가나다κόσμε🎉".encode())],
    ),
    "6.22 non-characters": (client_frame(1, b"\xf4\x8f\xbf\xbe"), [(TEXT, b"\xf4\x8f\xbf\xbe")]),
    "5.2 pong in one piece between": (
        client_frame(2, b"a", fin=False) + client_frame(10) + client_frame(0, b"b"),
        [(PONG, b""), (BINARY, b"ab")],
    ),
    "zero mask": (client_frame(1, b"abc", mask=b"\0\0\0\0"), [(TEXT, b"abc")]),
    "length spelt longer than needed": (b"\x81\xfe\x00\x02\0\0\0\0hi", [(TEXT, b"hi")]),
}

BAD = {
    "2.5 ping of 126": (client_frame(9, b"x" * 126), 1002),
    "3.1 rsv 1": (client_frame(1, b"x", rsv=1), 1002),
    "3.2 rsv 2 after good text": (client_frame(1, b"ok") + client_frame(1, b"x", rsv=2), 1002),
    "3.4 rsv 4": (client_frame(1, b"x", rsv=4), 1002),
    "3.5 rsv 5 on binary": (client_frame(2, b"x", rsv=5), 1002),
    "3.6 rsv 6 on ping": (client_frame(9, b"x", rsv=6), 1002),
    "3.7 rsv 7 on close": (client_frame(8, rsv=7), 1002),
    **{f"4.1 reserved opcode {n}": (client_frame(n), 1002) for n in range(3, 8)},
    **{f"4.2 reserved control opcode {n}": (client_frame(n), 1002) for n in range(11, 16)},
    "5.1 ping in pieces": (client_frame(9, b"x", fin=False), 1002),
    "5.2 pong in pieces": (client_frame(10, b"x", fin=False), 1002),
    "5.9 continuation of nothing": (client_frame(0, b"x"), 1002),
    "5.10 open continuation of nothing": (client_frame(0, b"x", fin=False), 1002),
    "5.15 continuation after the end": (text_in_parts(b"a", b"b") + client_frame(0, b"c", fin=False), 1002),
    "5.18 text within fragments": (client_frame(1, b"a", fin=False) + client_frame(1, b"b"), 1002),
    "5.18 binary within fragments": (client_frame(1, b"a", fin=False) + client_frame(2, b"b"), 1002),
    "6.3.1 overlong and surrogate": (client_frame(1, b"\xce\xba\xed\xa0\x80edited"), 1007),
    "6.3.2 the same, byte by byte": (text_in_parts(*[bytes([b]) for b in b"\xce\xba\xed\xa0\x80edited"]), 1007),
    "6.4.1 beyond unicode, next fragment": (text_in_parts(b"\xce\xba\xf4\x90\x80\x80", b"edited"), 1007),
    "6.6 half a character": (client_frame(1, b"\xce\xba\xe1\xbd"), 1007),
    "6.6 half a character at the end of fragments": (text_in_parts(b"ok", b"\xe1"), 1007),
    "6.8 five bytes long": (client_frame(1, b"\xf8\x88\x80\x80\x80"), 1007),
    "6.12 a lone continuation byte": (client_frame(1, b"\x80"), 1007),
    "6.14 an impossible byte": (client_frame(1, b"\xfe"), 1007),
    "6.18 overlong slash": (client_frame(1, b"\xc0\xaf"), 1007),
    "6.20 high surrogate": (client_frame(1, b"\xed\xa0\x80"), 1007),
    "not masked": (encode_frame(Opcode.TEXT, b"x"), 1002),
    "highest bit of the length": (b"\x82\xff\x80" + b"\0" * 7 + b"\0\0\0\0", 1002),
    "above the limit": (client_frame(1, b"x" * 65537), 1009),
    "above the limit by its header alone": (b"\x82\xff" + (1 << 40).to_bytes(8) + b"mask", 1009),
    "above the limit in fragments": (text_in_parts(b"x" * 40_000, b"x" * 40_000), 1009),
}


@pytest.mark.parametrize(("data", "messages"), GOOD.values(), ids=GOOD)
def test_what_is_allowed_is_read(data, messages):
    assert read_whole(data) == [Message(*message) for message in messages]


@pytest.mark.parametrize(("data", "messages"), GOOD.values(), ids=GOOD)
def test_the_cuts_between_reads_change_nothing(data, messages):
    reader, step = FrameReader(1 << 16), 1 if len(data) < 2000 else 997
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    read = itertools.chain.from_iterable(reader.feed(piece) for piece in pieces)
    assert [message for message in read if message.opcode is not None] == [Message(*message) for message in messages]


@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD)
def test_what_is_forbidden_ends_the_connection(data, code):
    with pytest.raises(ProtocolError) as caught:
        read_whole(data)
    assert caught.value.code == code


@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD)
def test_it_ends_as_well_byte_by_byte(data, code):
    reader = FrameReader(1 << 16)
    with pytest.raises(ProtocolError) as caught:
        [list(reader.feed(bytes([byte]))) for byte in data]
    assert caught.value.code == code


WRONG_TEXTS = {
    "6.4.3 beyond unicode": (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4", b"\x90"),
    "6.4.4 the same a byte later": (b"\xce\xba\xe1\xbd\xb9\xf4", b"\x90\x80\x80edited"),
    "a lone continuation byte": (b"a" * 99, b"\x80"),
}


@pytest.mark.parametrize(("before", "wrong"), WRONG_TEXTS.values(), ids=WRONG_TEXTS)
@pytest.mark.parametrize("opcode", [1, 0])
def test_the_first_wrong_byte_of_a_text_ends_it(before, wrong, opcode):
    """Also in a frame that is not all there: the rest of its 2,000 bytes is not waited for."""
    reader, payload = FrameReader(1 << 16), before + wrong
    frame = client_frame(opcode, payload + b"x" * 2000, mask=b"\x01\x80\x00\xff")
    list(reader.feed(client_frame(1, b"begun", fin=False) * (opcode == 0)))
    assert list(reader.feed(frame[: 8 + len(before)])) == []
    with pytest.raises(ProtocolError) as caught:
        list(reader.feed(frame[8 + len(before) : 8 + len(payload)]))
    assert caught.value.code == CloseCode.INVALID_TEXT


def test_what_came_before_a_mistake_is_still_given():
    reader = FrameReader(100).feed(client_frame(9, b"first") + client_frame(3))
    assert next(reader) == Message(PING, b"first")
    with pytest.raises(ProtocolError):
        next(reader)


def test_a_finished_message_frees_the_whole_limit():
    reader = FrameReader(10)
    for _ in range(3):
        [*_, message] = reader.feed(text_in_parts(b"12345", b"67890"))
        assert message.payload == b"1234567890"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 63, 125, 126, 65535, 65536, 70_000])
def test_masking_is_undone_for_every_length(size):
    payload, key = random.randbytes(size), b"\x01\x80\x00\xff"
    slow = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    assert unmask(key, payload) == slow
    assert unmask(key, slow) == payload


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
)
def test_7_7_sendable_close_codes_are_accepted(code):
    assert decode_close(code.to_bytes(2) + b"why") == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_7_9_other_close_codes_are_errors(code):
    with pytest.raises(ProtocolError) as caught:
        decode_close(code.to_bytes(2))
    assert caught.value.code == 1002


def test_7_3_close_payloads():
    assert decode_close(b"") is None
    with pytest.raises(ProtocolError):
        decode_close(b"\x03")
    with pytest.raises(ProtocolError) as caught:
        decode_close(b"\x03\xe8\xce\xba\xe1\xbd")
    assert caught.value.code == CloseCode.INVALID_TEXT


def test_a_long_close_reason_is_cut_between_characters():
    frame = encode_close(1001, "가" * 100)
    assert len(frame) <= 127
    assert decode_close(frame[2:]) == 1001
    assert encode_close(None) == b"\x88\x00"
