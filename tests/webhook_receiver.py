"""A receiver of webhooks over HTTPS, with a certificate of its own, that answers as it is told."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple, Self

from core.networks import AllowedAddresses
from dev.local.ports import LOOPBACK
from tests.nginx import make_certificate

# Where it is: whoever adds it or sends to it has to name that.
HERE = AllowedAddresses([ip_network("127.0.0.0/8"), ip_network("::1/128")])


class Received(NamedTuple):
    headers: dict[str, str]
    body: bytes


class WebhookReceiver:
    """`answers` are the statuses of the next messages; 204 after them. While `answering` is not set, none is given;
    while `is_dripping`, what is given has no end."""

    def __init__(self, folder: Path) -> None:
        make_certificate(folder)
        self.certificate = folder / "fullchain.pem"
        self.received: list[Received] = []
        self.answers: list[int] = []
        self.answering = threading.Event()
        self.answering.set()
        self.stopping = threading.Event()
        self.is_dripping = False
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, folder / "privkey.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"https://localhost:{self._server.server_port}/welno"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.answering.wait(60)
                while receiver.is_dripping:
                    self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                    receiver.stopping.wait(0.05)
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
