"""Long answers in pieces: the same bytes, and what WSGI asks of a body."""

from collections.abc import Iterable, Iterator
from typing import Any

from webapp.answers import PIECE_BYTES, in_pieces


class Body:
    def __init__(self, *parts: bytes) -> None:
        self.parts, self.is_closed = parts, False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def close(self) -> None:
        self.is_closed = True


def serve(body: Iterable[bytes], **environ: Any) -> Iterable[bytes]:
    return in_pieces(lambda _environ, _start: body)(environ, None)


def test_no_piece_is_longer_than_a_piece():
    long = bytes(range(256)) * 1000
    pieces = list(serve(Body(b"a", long, b"", b"z")))
    assert b"".join(pieces) == b"a" + long + b"z"
    assert max(map(len, pieces)) == PIECE_BYTES


def test_the_body_is_closed_by_its_server():
    body = Body(b"a")
    served: Any = serve(body)
    list(served)
    served.close()
    assert body.is_closed


def test_a_body_that_cannot_be_closed_is_none_to_close():
    served: Any = serve([b"a"])
    served.close()


def test_a_file_is_left_to_the_server():
    file = Body(b"a")
    assert serve(file, **{"wsgi.file_wrapper": Body}) is file
