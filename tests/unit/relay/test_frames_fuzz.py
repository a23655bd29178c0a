"""Random frames, right, wrong and cut anywhere: two other implementations must agree, and nothing else may happen."""

import random

import pytest
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import Protocol, Side
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage
from wsproto.events import Ping as TheirPing

from tests.unit.relay.frames import client_frame
from webapp.relay.errors import ProtocolError
from webapp.relay.frames import FrameReader, Opcode, decode_close, encode_frame

ROUNDS = 1500
TEXTS = ["", "a", "확인했어요", "🎉" * 40, "x" * 200, "κόσμε" * 30]


def random_conversation(dice: random.Random) -> bytes:
    data = b""
    for _ in range(dice.randint(1, 6)):
        text = dice.choice(TEXTS).encode()
        parts = [text[at : at + 7] for at in range(0, len(text), 7)] if dice.random() < 0.5 else [text]
        for number, part in enumerate(parts or [b""]):
            data += client_frame(0 if number else 1, part, fin=number >= len(parts) - 1, mask=dice.randbytes(4))
            if dice.random() < 0.2:
                noise = dice.randbytes(dice.randint(0, 125))
                data += client_frame(dice.choice([9, 10]), noise, mask=dice.randbytes(4))
    return data


def spoil(data: bytes, dice: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
    return bytes(broken)


def feed_in_pieces(feed, data: bytes, dice: random.Random) -> None:
    at = 0
    while at < len(data):
        step = dice.randint(1, 300) if at < 5000 else 16_384
        feed(data[at : at + step])
        at += step


def ours(data: bytes, dice: random.Random) -> tuple[list[tuple[str, bytes]], int | None]:
    reader, seen = FrameReader(1 << 20), []

    def feed(piece: bytes) -> None:
        for message in reader.feed(piece):
            if message.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.PING}:
                seen.append((message.opcode.name, message.payload))
            elif message.opcode is Opcode.CLOSE:
                decode_close(message.payload)
                raise StopIteration

    try:
        feed_in_pieces(feed, data, dice)
    except ProtocolError as exc:
        return seen, int(exc.code)
    except (StopIteration, RuntimeError):
        return seen, None
    return seen, None


def wsproto_reads(data: bytes) -> list[tuple[str, bytes]]:
    connection, seen, message = Connection(ConnectionType.SERVER), [], b""
    connection.receive_data(data)
    for event in connection.events():
        if isinstance(event, TheirPing):
            seen.append(("PING", bytes(event.payload)))
        elif isinstance(event, TextMessage | BytesMessage):
            message += event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
            if event.message_finished:
                seen.append(("TEXT" if isinstance(event, TextMessage) else "BINARY", message))
                message = b""
    return seen


def websockets_fails(data: bytes) -> int | None:
    """The close code that the `websockets` library would send, None when it sees no mistake in the frames.

    It refuses a close in the middle of a fragmented message, where RFC 6455 5.4 allows control frames.
    """
    protocol = Protocol(Side.SERVER, max_size=1 << 20)
    protocol.receive_data(data)
    sent, reason = protocol.close_sent, protocol.parser_exc
    if reason is None or sent is None or "incomplete fragmented message" in str(reason):
        return None
    return int(sent.code)


@pytest.mark.parametrize("seed", range(4))
def test_wsproto_reads_the_same_messages(seed):
    dice = random.Random(seed)
    for _ in range(ROUNDS // 15):
        data = random_conversation(dice)
        assert ours(data, dice) == (wsproto_reads(data), None)


@pytest.mark.parametrize("seed", range(4))
def test_websockets_fails_where_we_fail_on_headers(seed):
    """What one refuses the other refuses; of two mistakes in one frame each may name the one it meets first."""
    dice = random.Random(seed)
    for _ in range(ROUNDS // 4):
        # The tail completes the last frame: we look at a header at once, they when the frame is whole.
        data = spoil(random_conversation(dice), dice) + bytes(70_000)
        _, code = ours(data, dice)
        theirs = websockets_fails(data)
        if code == 1002:
            assert theirs in {1002, 1007, 1009}
        elif theirs == 1002:
            assert code in {1002, 1007}


@pytest.mark.parametrize("seed", range(4))
def test_noise_ends_in_a_close_code_or_in_waiting(seed):
    dice = random.Random(seed)
    for _ in range(ROUNDS):
        _, code = ours(dice.randbytes(dice.randint(1, 400)), dice)
        assert code in {None, 1002, 1007, 1009}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_a_client_reads_the_frames_we_send(size):
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(encode_frame(Opcode.TEXT, b"x" * size))
    [frame] = client.events_received()
    assert (frame.opcode, len(frame.data), frame.fin) == (TheirOpcode.TEXT, size, True)
