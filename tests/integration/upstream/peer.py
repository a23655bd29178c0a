"""A provider of the tests' own, on real sockets, whose next answers are scripted down to cut connections."""

import base64
import gzip
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

API_KEY = "invented-api-key"
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Answer = Callable[["Handler"], None]


def another_public_text() -> str:
    return _public_text(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _public_text(private_key: rsa.RSAPrivateKey = PRIVATE_KEY) -> str:
    der = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Peer"

    def do_GET(self) -> None:
        self.server.keys_asked.append(self.path)
        self.server.answer_key(self)

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen_headers.append(dict(self.headers))
        self.server.paths_asked.append(self.path)
        self.server.answer(self)

    do_PUT = do_POST  # noqa: N815 the name that http.server calls

    def give(self, status: int, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        headers = {"Content-Type": content_type, "Content-Length": str(len(body))} | headers
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


class Peer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.seen_headers: list[dict[str, str]] = []
        self.keys_asked: list[str] = []
        self.paths_asked: list[str] = []
        self.stopping = threading.Event()
        self.answer: Answer = give_json({"Status": "OK", "ResultList": []})
        self.answer_key: Answer = give_json({"Status": "OK", "ApiKey": API_KEY, "PublicKey": _public_text()})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Clients that give up in the middle are what the tests are about."""


def give_json(fields: object, status: int = 200, **headers: str) -> Answer:
    return give_body(json.dumps(fields, ensure_ascii=False).encode(), status, **headers)


def give_body(body: bytes, status: int = 200, content_type: str = "application/json", **headers: str) -> Answer:
    return lambda handler: handler.give(status, body, content_type, **headers)


def stay_silent(handler: Handler) -> None:
    handler.server.stopping.wait(30)


def drip(handler: Handler) -> None:
    """A header at once, then a byte now and then, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.stopping.wait(0.05):
        handler.wfile.write(b" ")


def drip_head(handler: Handler) -> None:
    """A status at once, then a header without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.stopping.wait(0.05):
        handler.wfile.write(b"x")


def announce_without_end(handler: Handler) -> None:
    """Interim responses, of which HTTP allows as many as one likes."""
    while not handler.server.stopping.wait(0.05):
        handler.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")


def cut_before_answer(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def cut_in_body(handler: Handler) -> None:
    handler.give(200, b'{"Status": "OK", "ResultL', Content_Length="1000")
    cut_before_answer(handler)


def truncate_body(handler: Handler) -> None:
    """Shorter than it should be, and HTTP cannot tell: no length, the end of the connection ends it."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"Status": "OK", "ResultL')
    cut_before_answer(handler)


def speak_no_http(handler: Handler) -> None:
    handler.wfile.write(b"220 mail server ready\r\n\r\n")
    cut_before_answer(handler)


def answer_then_hang_up(handler: Handler) -> None:
    """Keeps the connection by its words and closes it by what it does."""
    handler.give(200, b'{"Status": "OK", "ResultList": []}')
    cut_before_answer(handler)


def give_coded_transfer(handler: Handler) -> None:
    """As a proxy does that compresses hop by hop, whatever it was asked for."""
    body = gzip.compress(b'{"Status": "OK", "ResultList": [{}, {}]}')
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "gzip, chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
