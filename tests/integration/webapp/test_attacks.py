"""Callers that are slow, many or malformed, against the real web process: they are ended, and others are served."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from socket import MSG_PEEK, create_connection

import pytest
from flask import Flask
from websockets.sync.client import connect

from dev.local.ports import LOOPBACK
from tests.waiting import wait_until

from .attacks import (
    BYSTANDER,
    HALF_A_HEAD,
    HEAD_OF_A_BODY,
    HEAD_OF_CHUNKS,
    Crowd,
    ask,
    bystander,
)
from .people import API, FORM, Person
from .server import Server

START = f"{API}/tilko/session/start"
_WITHIN_SECONDS = 1
_PER_ADDRESS = 200
_SETTINGS = {
    "WELNO_RELAY_HANDSHAKE_WITHIN_SECONDS": str(_WITHIN_SECONDS),
    "WELNO_BODY_WITHIN_SECONDS": str(_WITHIN_SECONDS),
    "WELNO_ANSWER_WITHIN_SECONDS": str(_WITHIN_SECONDS),
    "WELNO_CONNECTIONS_PER_ADDRESS": str(_PER_ADDRESS),
    "WELNO_RELAY_SSE_COMMENT_SECONDS": "1.5",
    "WELNO_BODY_LIMIT": "100000 per minute",
    "WELNO_PUSH_LIMIT": "100000 per minute",
    "WELNO_PUSH_PHONE_LIMIT": "100000 per minute",
}


@pytest.fixture(scope="module")
def impatient(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Iterator[Server]:
    """Its deadlines are those of `_SETTINGS`."""
    with Server(demo_env | _SETTINGS, server_home / "impatient.log") as server:
        yield server


@pytest.fixture
def crowd(impatient: Server) -> Iterator[Crowd]:
    with Crowd(impatient) as crowd:
        yield crowd


@pytest.mark.parametrize("said", [b"", HALF_A_HEAD], ids=["nothing", "half a head"])
def test_a_head_that_does_not_come_is_not_waited_for(impatient: Server, crowd: Crowd, said: bytes):
    with bystander(impatient):
        crowd.open(_PER_ADDRESS, said)
        wait_until(lambda: crowd.count_open() == 0, _WITHIN_SECONDS + 3)


def test_a_head_byte_by_byte_is_no_sign_of_life(impatient: Server, crowd: Crowd):
    with bystander(impatient):
        crowd.open(_PER_ADDRESS, HALF_A_HEAD)
        wait_until(lambda: (crowd.say(b"x"), crowd.count_open())[1] == 0, _WITHIN_SECONDS + 3)


@pytest.mark.parametrize(
    ("said", "more"),
    [(HEAD_OF_A_BODY, b'{"user_name": '), (HEAD_OF_A_BODY, b""), (HEAD_OF_CHUNKS, b"400\r\n{"), (HEAD_OF_CHUNKS, b"4")],
    ids=["half a body", "no body", "half a chunk", "half a size"],
)
def test_a_body_that_does_not_come_is_told_so(impatient: Server, crowd: Crowd, said: bytes, more: bytes):
    with bystander(impatient):
        crowd.open(_PER_ADDRESS, said + more)
        began = time.monotonic()
        answers = crowd.read_all()
        assert time.monotonic() - began < _WITHIN_SECONDS + 3
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 REQUEST TIMEOUT"}
    assert all(b"BODY_TOO_SLOW" in answer for answer in answers)


def test_a_body_byte_by_byte_has_the_same_deadline(impatient: Server, crowd: Crowd):
    with bystander(impatient):
        crowd.open(50, HEAD_OF_A_BODY)
        wait_until(lambda: (crowd.say(b"x"), crowd.count_open())[1] == 0, _WITHIN_SECONDS + 3)


def test_a_body_that_nobody_reads_is_not_read_for_long(impatient: Server, crowd: Crowd):
    """It is answered at once, and what still comes is dropped for a while, so that the answer arrives."""
    with bystander(impatient):
        crowd.open(20, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        wait_until(lambda: crowd.count_that_take(b"x" * 1000) == 0, _WITHIN_SECONDS + 3)


_MIB = 1024 * 1024


@pytest.mark.parametrize(("size", "kept"), [(2 * _MIB, "keep-alive"), (20 * _MIB, "close")])
def test_who_sends_too_much_is_told_so_and_what_becomes_of_the_connection(impatient: Server, size: int, kept: str):
    """The next request on a connection that was announced to go on is no lottery."""
    with create_connection((LOOPBACK, impatient.port), timeout=10) as caller:
        head = f"POST {START} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
        caller.sendall(head.encode() + b"x" * _MIB)
        with http.client.HTTPResponse(caller, method="POST") as answer:
            answer.begin()
            assert (answer.status, answer.headers["Connection"]) == (413, kept)
            answer.read()
        if kept == "keep-alive":
            caller.sendall(b"x" * (size - _MIB) + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert caller.recv(65_536).startswith(b"HTTP/1.1 200")


def test_who_sends_in_chunks_and_asks_to_close_reads_the_answer(impatient: Server):
    """Closing at once would reset a connection on which the rest is still to come, and with it the answer."""
    piece = f"{_MIB:x}\r\n".encode() + b"x" * _MIB + b"\r\n"
    with create_connection((LOOPBACK, impatient.port), timeout=10) as caller:
        caller.sendall(HEAD_OF_CHUNKS.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n" + piece)
        caller.recv(1, MSG_PEEK)
        for _ in range(3):
            caller.sendall(piece)
        caller.sendall(b"0\r\n\r\n")
        with http.client.HTTPResponse(caller, method="POST") as answer:
            answer.begin()
            assert (answer.status, answer.headers["Connection"]) == (413, "close")
            answer.read()
        assert caller.recv(1) == b""


def test_who_takes_no_answer_is_cut_off(impatient: Server, crowd: Crowd):
    """Asked for many times in one go, the answers fill what the kernel keeps, and then the server waits."""
    before = impatient.sample("welno_http_cut_off_total", reason="answer")
    with bystander(impatient):
        crowd.open(20, b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200, receive_buffer=4096)
        wait_until(
            lambda: impatient.sample("welno_http_cut_off_total", reason="answer") == before + 20, _WITHIN_SECONDS + 9
        )
    assert "Traceback" not in impatient.log.read_text(encoding="utf-8")


def test_requests_in_one_go_wait_for_each_other_only(impatient: Server, crowd: Crowd):
    with bystander(impatient):
        crowd.open(4, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        assert all(told.count(b"HTTP/1.1 200 OK") == 1000 for told in crowd.read_all())


def test_one_address_has_its_share_and_no_more(impatient: Server, crowd: Crowd):
    with bystander(impatient):
        crowd.open(_PER_ADDRESS + 50, HALF_A_HEAD)
        wait_until(lambda: crowd.count_open() <= _PER_ADDRESS, _WITHIN_SECONDS)
        wait_until(lambda: crowd.count_open() == 0, _WITHIN_SECONDS + 3)
    assert ask(impatient, "/healthz", address=LOOPBACK) == 200


@pytest.mark.repeated
def test_many_addresses_with_half_sent_bodies_hold_up_nobody(impatient: Server, crowd: Crowd, is_full: bool):
    with bystander(impatient):
        for number in range(8):
            crowd.open(187 if is_full else 25, HEAD_OF_A_BODY + b"{", address=f"127.0.1.{number + 1}")
        wait_until(lambda: crowd.count_open() == 0, 20)


@pytest.mark.repeated
def test_many_addresses_that_take_no_answer_hold_up_nobody(impatient: Server, crowd: Crowd, is_full: bool):
    asked, each = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20, 150 if is_full else 10
    before = impatient.sample("welno_http_cut_off_total", reason="answer")
    # Until they stand still, 600 callers are 600 requests at work, and everybody has his turn among them.
    with bystander(impatient, within_seconds=4 if is_full else 2.5):
        for number in range(4):
            crowd.open(each, asked, address=f"127.0.1.{number + 1}", receive_buffer=4096)
        wait_until(
            lambda: impatient.sample("welno_http_cut_off_total", reason="answer") == before + 4 * each, 20, every=0.2
        )


def test_values_that_take_long_hold_up_nobody(impatient: Server):
    bombs = [
        {"user_name": "가" + "-님" * 15_900},
        {"user_name": "e" + "\u0301\u0316" * 15_000},
        {"birthdate": "2024" + " " * 60_000},
        {"phone_no": "\ufdfa" * 20_000},
    ]
    with bystander(impatient):
        for bomb in bombs * 10:
            assert post(impatient, json.dumps(FORM | bomb, ensure_ascii=False).encode()) in {400, 413}
        for text in (b"[" * 60_000, b'{"user_name": ' + b"9" * 60_000 + b"}"):
            assert post(impatient, text) == 400


def post(server: Server, body: bytes, address: str = LOOPBACK) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10, source_address=(address, 0))
    connection.request("POST", START, body=body, headers={"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"5\r\n12345xx", b"1;a=\x00\r\n"])
def test_a_malformed_chunk_is_a_bad_request(impatient: Server, crowd: Crowd, chunk: bytes):
    crowd.open(1, HEAD_OF_CHUNKS + chunk)
    assert crowd.read_all()[0].startswith(b"HTTP/1.1 400 ")


def test_who_leaves_in_the_middle_is_no_fault_of_ours(impatient: Server):
    with Crowd(impatient) as leaving:
        leaving.open(20, HEAD_OF_A_BODY + b"{")
    assert ask(impatient, "/healthz") == 200
    assert "request_failed" not in impatient.log.read_text(encoding="utf-8")


def test_live_streams_have_deadlines_of_their_own(impatient: Server, app: Flask, starter: Person):
    """Both live longer than an ordinary answer may take, and say nothing for longer, too."""
    path = f"{API}/tilko/session/{starter.session_id}/events"
    stream = http.client.HTTPConnection(LOOPBACK, impatient.port, timeout=10)
    stream.request("GET", path, headers=starter.bearer)
    answer = stream.getresponse()
    url = f"ws://{LOOPBACK}:{impatient.port}{API}/tilko/ws/{starter.session_id}"
    with connect(url, additional_headers=starter.bearer, proxy=None) as socket:
        began = time.monotonic()
        while time.monotonic() - began < 2 * _WITHIN_SECONDS:
            assert answer.readline()
        socket.send('{"type": "ping", "timestamp": 1}')
        assert any(json.loads(socket.recv(5)).get("type") == "pong" for _ in range(3))
    stream.close()


def test_cookies_in_crumbs_are_one_header(impatient: Server, crowd: Crowd, starter: Person):
    path = f"{API}/tilko/session/{starter.session_id}/status"
    crumbs = f"Cookie: theme=dark\r\nCookie: welno_session={starter.token}\r\nCookie: lang=ko\r\n"
    crowd.open(1, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{crumbs}\r\n".encode())
    assert crowd.read_all()[0].startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def short_of_files(demo_env: dict[str, str], postgres_url: str, server_home: Path) -> Iterator[Server]:
    with Server(demo_env | _SETTINGS, server_home / "short_of_files.log", open_files=256) as server:
        yield server


def test_few_files_are_not_used_up_by_one_address(short_of_files: Server, app: Flask):
    with Crowd(short_of_files) as crowd, bystander(short_of_files):
        for _ in range(3):
            crowd.open(200, HALF_A_HEAD)
            # Files are left for the stores, too.
            assert post(short_of_files, json.dumps(FORM).encode(), BYSTANDER) == 201
    assert '"event":"open_files_limit_is_low"' in short_of_files.log.read_text(encoding="utf-8")


def test_a_full_process_lets_in_who_waits_when_somebody_has_gone(short_of_files: Server, app: Flask):
    with Crowd(short_of_files) as crowd:
        for number in range(10, 30):
            crowd.open(10, HALF_A_HEAD, address=f"127.0.0.{number}")
        began = time.monotonic()
        assert post(short_of_files, json.dumps(FORM).encode(), BYSTANDER) == 201
        assert time.monotonic() - began < 5 * _WITHIN_SECONDS
    assert "Too many open files" not in short_of_files.log.read_text(encoding="utf-8")


def test_a_process_that_may_open_nearly_nothing_says_so(demo_env: dict[str, str], server_home: Path):
    server = Server(demo_env, server_home / "no_files.log", open_files=128)
    server.process.start()
    assert server.process.wait(20)
    assert "raise `ulimit -n`" in server.log.read_text(encoding="utf-8")
