"""An answer is read the same however its bytes arrive, and whatever is no answer to us is refused."""

import pytest

from upstream.http.exchange import BrokenResponse, ResponseTooLarge
from upstream.http.response_parser import ResponseParser

BY_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
BY_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n"
AFTER_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + BY_LENGTH


def parse(parser, data, step):
    for start in range(0, len(data), step):
        reply = parser.feed(data[start : start + step])
        if reply is not None:
            return reply, data[start + step :]
    return None, b""


@pytest.mark.parametrize("data", [BY_LENGTH, BY_CHUNKS, AFTER_INTERIM])
@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_answer_is_whole_however_it_arrives(data, step):
    parser = ResponseParser(100)
    reply, rest = parse(parser, data, step)
    assert (reply.status, reply.body, rest, parser.is_reusable) == (200, b"hello", b"", True)


@pytest.mark.parametrize(
    ("head", "codings"),
    [
        (b"Transfer-Encoding: gzip, chunked", "gzip"),
        (b"Content-Encoding: deflate\r\nTransfer-Encoding: GZIP,chunked", "deflate, gzip"),
        (b"Transfer-Encoding: identity, chunked", ""),
        (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "gzip"),
    ],
)
def test_codings_of_the_transfer_are_codings_of_the_content(head, codings):
    reply = ResponseParser(100).feed(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert (reply.body, reply.headers.get("content-encoding", "")) == (b"hello", codings)


@pytest.mark.parametrize(("coding", "codings"), [(b"gzip", "gzip"), (b"identity", "")])
def test_a_coding_of_the_transfer_without_chunks_ends_with_its_connection(coding, codings):
    parser = ResponseParser(100)
    assert parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding + b"\r\n\r\nhello") is None
    reply = parser.feed_eof()
    assert (reply.body, reply.headers.get("content-encoding", ""), parser.is_reusable) == (b"hello", codings, False)


def test_answer_without_length_ends_with_its_connection():
    parser = ResponseParser(100)
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert parser.feed(b"lo") is None
    assert (parser.feed_eof().body, parser.is_reusable) == (b"hello", False)


def test_responses_follow_each_other_on_one_connection():
    parser = ResponseParser(10)
    bodies = [parser.feed(data).body for data in (BY_LENGTH, BY_CHUNKS, AFTER_INTERIM, BY_LENGTH)]
    assert (bodies, parser.is_reusable) == ([b"hello"] * 4, True)


@pytest.mark.parametrize("cut", [0, 20, len(BY_LENGTH) - 1])
def test_cut_answer_is_no_answer(cut):
    parser = ResponseParser(100)
    parser.feed(BY_LENGTH[:cut])
    with pytest.raises(BrokenResponse):
        parser.feed_eof()


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("data", [BY_LENGTH, BY_CHUNKS, b"HTTP/1.1 200 OK\r\n\r\nhello"])
def test_answer_beyond_the_limit_is_refused(data, size):
    with pytest.raises(ResponseTooLarge) as caught:
        ResponseParser(size).feed(data)
    part = caught.value.part
    assert part is not None
    assert part.status == 200
    assert b"hello".startswith(part.body)
    assert len(part.body) > size


@pytest.mark.parametrize("head", [b"Connection: close\r\n", b"Connection: Close, x\r\n"])
def test_connection_that_closes_is_not_kept(head):
    parser = ResponseParser(100)
    assert parser.feed(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 0\r\n\r\n") is not None
    assert not parser.is_reusable


def test_bytes_beyond_the_answer_spoil_the_connection():
    parser = ResponseParser(100)
    assert parser.feed(BY_LENGTH + b"HTTP/1.1 200 OK").body == b"hello"
    assert not parser.is_reusable


def test_answer_that_may_have_no_body_has_none():
    assert ResponseParser(100).feed(b"HTTP/1.1 204 No Content\r\n\r\n").body == b""


@pytest.mark.parametrize(
    "data",
    [
        b"220 mail server ready\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: line\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        b"x" * 70_000,
    ],
)
def test_what_is_no_answer_to_us_is_refused(data):
    with pytest.raises(BrokenResponse):
        ResponseParser(100).feed(data)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"


def test_a_trailer_is_no_header():
    response = ResponseParser(100).feed(CHUNKED + b"0\r\nContent-Encoding: gzip\r\nContent-Type: text/html\r\n\r\n")
    assert response is not None
    assert (response.body, response.headers["content-type"]) == (b"x", "text/plain")
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("begin", [b"0\r\nX: ", b"1;x="], ids=["trailer", "extension"])
def test_what_follows_the_body_without_end_is_broken(begin: bytes):
    parser = ResponseParser(100)
    parser.feed(CHUNKED + begin)
    for _ in range(2):
        parser.feed(b"a" * 30 * 1024)
    with pytest.raises(BrokenResponse):
        parser.feed(b"a" * 30 * 1024)


def test_a_body_in_a_great_many_pieces_is_whole():
    parser = ResponseParser(1_000_000)
    parser.feed(CHUNKED)
    for _ in range(100):
        parser.feed(b"1;" + b"a" * 1000 + b"\r\nx\r\n")
    response = parser.feed(b"0\r\n\r\n")
    assert response is not None
    assert response.body == b"x" * 101
