"""A chat whose reader is slow, and one that is left: with a peer that says many frames at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from uuid import uuid4

import orjson
import pytest
from sqlalchemy.exc import OperationalError

from services.interviews.chat_questions import ChatQuestion
from services.interviews.chats import Chat
from services.interviews.errors import ChatFailed, ChatLost, ChatTimedOut
from tests.integration.upstream.peer import Handler, Peer
from tests.waiting import wait_until
from upstream.miso.agents import MisoAgent

FRAMES = 1000
LONG = "가" * 2000
QUESTION = ChatQuestion(uuid4(), uuid4(), frozenset(), "왜?", {}, "acc-1", "")


def begin_stream(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()


def say_much(handler: Handler) -> None:
    begin_stream(handler)
    with suppress(OSError):
        for number in range(FRAMES):
            frame = {"event": "message", "task_id": "t-1", "conversation_id": "c-1", "n": number, "answer": LONG}
            handler.wfile.write(b"data: %b\n\n" % orjson.dumps(frame))
        handler.wfile.write(b'data: {"event":"message_end","task_id":"t-1"}\n\ndata: [DONE]\n\n')


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.stopping.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(peer: Peer) -> Iterator[Callable[..., Chat]]:
    agent = MisoAgent(peer.url, "invented-key")
    chats: list[Chat] = []

    def begin(keep: Callable[[str], None] = lambda _: None) -> Chat:
        chats.append(Chat(agent, QUESTION, 5, keep))
        return chats[-1]

    yield begin
    for chat in chats:
        chat.close()
    agent.close()


def read_all(chat: Chat) -> list[bytes]:
    pieces = []
    while (piece := chat.next(5)) is not None:
        pieces.append(piece.data)
    return pieces


def test_a_slow_reader_gets_every_frame_unchanged_and_miso_waits(peer: Peer, ask: Callable[..., Chat]):
    peer.answer = say_much
    chat = ask()
    wait_until(lambda: len(chat._waiting) == 256)
    pieces = read_all(chat)
    assert [orjson.loads(piece)["n"] for piece in pieces[:-2]] == list(range(FRAMES))
    assert (orjson.loads(pieces[-2])["event"], pieces[-1]) == ("message_end", b"[DONE]")


def test_who_leaves_while_frames_wait_ends_it_with_a_stop(peer: Peer, ask: Callable[..., Chat]):
    peer.answer = say_much
    chat = ask()
    wait_until(lambda: len(chat._waiting) == 256)
    chat.close()
    assert peer.paths_asked == ["/ext/v1/chat", "/ext/v1/chat/t-1/stop"]
    assert not chat._thread.is_alive()


def test_a_conversation_is_kept_before_anybody_can_go_on_with_it(peer: Peer, ask: Callable[..., Chat]):
    peer.answer = say_much
    kept: list[str] = []
    chat = ask(kept.append)
    assert chat.next(5) is not None
    read_all(chat)
    assert kept == ["c-1"]


@pytest.mark.parametrize("odd", ["c" * 129, "c\x00"])
def test_an_odd_id_of_a_conversation_is_not_kept(peer: Peer, ask: Callable[..., Chat], odd: str):
    def answer(handler: Handler) -> None:
        begin_stream(handler)
        handler.wfile.write(b"data: %b\n\n" % orjson.dumps({"event": "message_end", "conversation_id": odd}))

    peer.answer = answer
    kept: list[str] = []
    assert len(read_all(ask(kept.append))) == 1
    assert kept == []


def test_an_answer_that_takes_too_long_is_ended_and_stopped(peer: Peer):
    def go_on(handler: Handler) -> None:
        begin_stream(handler)
        with suppress(OSError):
            while not handler.server.stopping.wait(0.05):
                handler.wfile.write(b'data: {"event":"message","task_id":"t-1","answer":"x"}\n\n')

    peer.answer = go_on
    agent = MisoAgent(peer.url, "invented-key", chat_seconds=0.5)
    chat = Chat(agent, QUESTION, 5, lambda _: None)
    with pytest.raises(ChatTimedOut):
        read_all(chat)
    wait_until(lambda: "/ext/v1/chat/t-1/stop" in peer.paths_asked)
    chat.close()
    agent.close()


def test_a_database_that_is_down_takes_nothing_from_the_answer(peer: Peer, ask: Callable[..., Chat]):
    peer.answer = say_much

    def fail(_: str) -> None:
        raise OperationalError("insert", {}, OSError())

    assert len(read_all(ask(fail))) == FRAMES + 2


def test_what_breaks_off_after_its_end_is_whole(peer: Peer, ask: Callable[..., Chat]):
    def end_and_break(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b'data: {"event":"message_end","task_id":"t-1"}\n\n')
        handler.close_connection = True

    peer.answer = end_and_break
    assert len(read_all(ask())) == 1
    assert peer.paths_asked == ["/ext/v1/chat"]


def test_half_a_frame_never_leaves(peer: Peer, ask: Callable[..., Chat]):
    def break_in_the_middle(handler: Handler) -> None:
        begin_stream(handler)
        handler.wfile.write('data: {"event":"message","answer":"가"}\n\ndata: {"event":"mess'.encode())

    peer.answer = break_in_the_middle
    chat = ask()
    first = chat.next(5)
    assert first is not None
    assert orjson.loads(first.data)["answer"] == "가"
    with pytest.raises(ChatLost):
        read_all(chat)


def test_what_is_no_json_object_is_not_relayed(peer: Peer, ask: Callable[..., Chat]):
    def chatter(handler: Handler) -> None:
        begin_stream(handler)
        handler.wfile.write(b'data: hello\n\ndata: [1]\n\ndata: {"event":"message_end"}\n\n')

    peer.answer = chatter
    assert read_all(ask()) == [b'{"event":"message_end"}']


def test_an_answer_beyond_the_bounds_is_given_up(peer: Peer, ask: Callable[..., Chat]):
    def endless(handler: Handler) -> None:
        begin_stream(handler)
        with suppress(OSError):
            while True:
                handler.wfile.write(b"data: {" + b" " * 65536)

    peer.answer = endless
    with pytest.raises(ChatFailed) as failed:
        read_all(ask())
    assert failed.value.code == "MISO_ANSWER_INVALID"
