"""Sealing in pieces: what is missing, moved, repeated, cut, or of another text does not open."""

import io

import pytest

from core.derived_keys import MasterKey
from core.sealing import Sealer, SealError, UnknownSealingKey
from core.sealing_pieces import PIECE_BYTES, PieceSealer, open_pieces

SEALER = Sealer({"k": MasterKey(bytes(range(32)))})
HEADER = 3 + 1 + 1 + 16
SEALED_PIECE = PIECE_BYTES + 16


def seal(content: bytes, context: str = "interview-original:1", step: int = 100_000) -> bytes:
    sealing, sealed = PieceSealer(SEALER, context), b""
    for at in range(0, len(content), step):
        sealed += sealing.feed(content[at : at + step])
    return sealed + sealing.finish()


def unseal(sealed: bytes, context: str = "interview-original:1", sealer: Sealer = SEALER) -> bytes:
    return b"".join(open_pieces(sealer, io.BytesIO(sealed).read, context))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_sealed_opens(size: int):
    content = bytes(size)
    assert unseal(seal(content)) == content


def pieces_of(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER:]
    return [body[at : at + SEALED_PIECE] for at in range(0, len(body), SEALED_PIECE)]


THREE = seal(b"a" * PIECE_BYTES + b"b" * PIECE_BYTES + b"c")
FIRST, SECOND, LAST = pieces_of(THREE)
OTHER = pieces_of(seal(b"x" * PIECE_BYTES + b"y"))


@pytest.mark.parametrize(
    "pieces",
    [
        [FIRST, SECOND],
        [FIRST],
        [],
        [SECOND, FIRST, LAST],
        [FIRST, FIRST, LAST],
        [FIRST, LAST],
        [FIRST, SECOND, LAST[:-1]],
        [FIRST, SECOND, LAST + b"x"],
        [OTHER[0], SECOND, LAST],
    ],
    ids=["cut", "cut more", "cut whole", "moved", "repeated", "missing", "short", "long", "of another"],
)
def test_what_was_changed_does_not_open(pieces: list[bytes]):
    with pytest.raises(SealError):
        unseal(THREE[:HEADER] + b"".join(pieces))


def test_another_context_or_key_does_not_open():
    with pytest.raises(SealError):
        unseal(seal(b"x"), "interview-original:2")
    with pytest.raises(UnknownSealingKey):
        unseal(seal(b"x"), sealer=Sealer({"other": bytes(32)}))


@pytest.mark.parametrize(
    "sealed",
    [b"", b"WP1", b"WP1\x00", b"XXX\x01k" + bytes(40), THREE[:10]],
    ids=["empty", "magic", "no key", "of others", "cut"],
)
def test_what_is_none_of_ours_does_not_open(sealed: bytes):
    with pytest.raises(SealError):
        unseal(sealed)
