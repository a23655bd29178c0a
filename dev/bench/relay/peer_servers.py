"""The servers that ours is measured against."""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence

import orjson

from dev.bench.relay import peers
from dev.bench.relay.server_under_test import ServerUnderTest
from dev.bench.relay.testbed import Testbed
from dev.bench.relay.websocket_client import ClientError, ConnectRequest, build_handshake
from dev.local.ports import LOOPBACK
from dev.local.programs import ROOT

_KEPT_EVENTS = 1000


class PeerServer(ServerUnderTest):
    """Keeps its events in a Redis stream and publishes them, both in one round trip; the bench numbers them."""

    def __init__(self, testbed: Testbed) -> None:
        super().__init__(testbed)
        self._seqs: list[int] = []
        self._token = os.urandom(32).hex()

    def env(self) -> Mapping[str, str]:
        return {**self.testbed.env, "BENCH_REDIS_URL": self.testbed.env["REDIS_URL"]}

    def create_streams(self, count: int) -> None:
        pipe = self.testbed.redis.pipeline(transaction=False)
        for stream in range(len(self._seqs), count):
            pipe.set(f"bench:token:{self.stream_name(stream)}", self._token)
        pipe.execute()
        self._seqs += [0] * (count - len(self._seqs))

    def last_seq(self, stream: int) -> int:
        return self._seqs[stream]

    def append(self, stream: int, count: int = 1) -> int:
        name = self.stream_name(stream)
        pipe = self.testbed.redis.pipeline(transaction=False)
        for _ in range(count):
            self._seqs[stream] += 1
            seq = self._seqs[stream]
            json = orjson.dumps({"seq": seq, **self.testbed.workload.event_body(name)})
            pipe.xadd(f"bench:log:{name}", {"body": json}, id=f"{seq}-0", maxlen=_KEPT_EVENTS)
            pipe.publish(self.channel(name), self.payload(seq, json))
        pipe.execute()
        return self._seqs[stream]

    def connect_request(self, stream: int, after: int | None = None) -> ConnectRequest:
        place = self.last_seq(stream) if after is None else after
        path = f"/ws/{self.stream_name(stream)}?after={place}"
        return ConnectRequest(self.port, build_handshake(path, self._token), place, self.sends_hello)

    def stream_name(self, stream: int) -> str:
        return f"{self.name}-{stream}"

    def channel(self, name: str) -> str:
        return name

    def payload(self, seq: int, json: bytes) -> bytes:  # noqa: ARG002 for those who wrap it
        return json


class UvicornServer(PeerServer):
    """An ASGI server with uvloop; the ping of the others."""

    module = ""

    def install(self) -> None:
        peers.install_python()

    def command(self) -> Sequence[str]:
        pings = ("--ws-ping-interval", "25", "--ws-ping-timeout", "10")
        where = ("--host", LOOPBACK, "--port", str(self.port), "--app-dir", str(peers.HERE))
        quiet = ("--log-level", "warning", "--no-access-log")
        return (str(peers.PYTHON), "-m", "uvicorn", f"{self.module}:application", *where, *pings, *quiet)


class ChannelsServer(UvicornServer):
    name = "channels"
    module = "channels_app"

    def channel(self, name: str) -> str:
        return f"asgi__group__{name}"

    def payload(self, seq: int, json: bytes) -> bytes:
        """What its layer's `group_send` publishes: MessagePack of {type, seq, text}."""
        number = b"\xce" + seq.to_bytes(4)
        pairs = (_packed(b"type"), _packed(b"stream.event"), _packed(b"seq"), number, _packed(b"text"), _packed(json))
        return b"\x83" + b"".join(pairs)


class StarletteServer(UvicornServer):
    name = "starlette"
    module = "starlette_app"


class NodeServer(PeerServer):
    name = "node"

    def install(self) -> None:
        peers.install_node()
        shutil.copy(peers.HERE / "node/server.js", peers.NODE / "server.js")

    def command(self) -> Sequence[str]:
        return (str(ROOT / "dev/scripts/with-node"), "node", str(peers.NODE / "server.js"), str(self.port))


class NchanServer(PeerServer):
    """nginx keeps and numbers the events itself, in shared memory: no Redis in its path, and places of its own kind."""

    name = "nchan"
    sends_hello = False
    resumes = False

    def __init__(self, testbed: Testbed) -> None:
        super().__init__(testbed)
        self._publisher: socket.socket | None = None

    def install(self) -> None:
        peers.install_nchan()

    def command(self) -> Sequence[str]:
        folder = self.testbed.folder / f"nchan-{self.port}"
        (folder / "temp").mkdir(parents=True)
        values = {
            "module": peers.NCHAN_MODULE,
            "folder": folder,
            "port": self.port,
            "token": self._token,
            "user": "user root;" if os.getuid() == 0 else "",
        }
        text = (peers.HERE / "nchan.conf").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (folder / "nginx.conf").write_text(text)
        return (str(peers.NGINX_BINARY), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr")

    def stop(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
        super().stop()

    def create_streams(self, count: int) -> None:
        self._seqs += [0] * (count - len(self._seqs))

    def append(self, stream: int, count: int = 1) -> int:
        name = self.stream_name(stream)
        requests = []
        for _ in range(count):
            self._seqs[stream] += 1
            json = orjson.dumps({"seq": self._seqs[stream], **self.testbed.workload.event_body(name)})
            head = f"POST /pub/{name} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: {len(json)}\r\n\r\n"
            requests.append(head.encode() + json)
        self._publish(b"".join(requests), count)
        return self._seqs[stream]

    def _publish(self, requests: bytes, count: int) -> None:
        """All in one write, as the others' pipelines; nginx closes a connection after a while."""
        if self._publisher is None:
            self._publisher = socket.create_connection((LOOPBACK, self.port), 10)
            self._publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._publisher.sendall(requests)
        answered = b""
        while answered.count(b"HTTP/1.1 20") < count:
            data = self._publisher.recv(65_536)
            if not data:
                raise ClientError("nchan took no event")
            answered += data


def _packed(text: bytes) -> bytes:
    size = len(text)
    return (bytes((0xA0 | size,)) if size < 32 else b"\xda" + size.to_bytes(2)) + text
