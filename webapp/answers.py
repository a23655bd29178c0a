"""Hands long answers to the server in pieces: each write has a deadline, and so a caller must take them at a rate."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

PIECE_BYTES = 64 * 1024
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Pieces:
    """An answer's body; the server must call `close`, as WSGI demands."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            if len(part) <= PIECE_BYTES:
                yield part
            else:
                yield from (part[at : at + PIECE_BYTES] for at in range(0, len(part), PIECE_BYTES))

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def in_pieces(app: WsgiApp) -> WsgiApp:
    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = app(environ, start_response)
        file_wrapper = environ.get("wsgi.file_wrapper")
        # The server sends a file itself, a block at a time.
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            return body
        return Pieces(body)

    return serve
