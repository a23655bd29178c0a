"""The servers, all with the same five verbs: start, stop, have streams, open a place in one, append to one."""

import itertools
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
from redis import Redis

from dev.bench.relay import peers
from dev.bench.relay.client import ClientError, Ticket, handshake, take_core
from dev.bench.relay.sessions import Sessions
from dev.local.ports import LOOPBACK, pick_port
from dev.local.process import Process
from dev.local.programs import ROOT, web_program
from streams import encode_body

SERVER_CORE, CLIENT_CORE = 0, 1
_KEPT_EVENTS = 1000
_START_SECONDS = 30
_MANY = "100000"
# The limits are for people; the benchmark is one address with very many sockets.
LIMITS = {"WELNO_SOCKETS_PER_SESSION": "1000", "WELNO_SOCKETS_PER_ADDRESS": _MANY, "WELNO_SOCKETS_TOTAL": _MANY}
# About 300 bytes with its number: what an event of a collection weighs.
_PADDING = "a long collection says more than a short one, and this is what it weighs" * 2


@dataclass(frozen=True)
class Home:
    """What all servers share in one run."""

    folder: Path
    env: Mapping[str, str]
    redis: Redis
    sessions: Sessions


def event_body(stream: str) -> dict[str, Any]:
    """`at` is when the append began, on the clock that all processes of a machine share."""
    return {
        "type": "streaming_status",
        "status": "fetching_health_data",
        "session_id": stream,
        "at": time.monotonic_ns(),
        "message": _PADDING,
    }


class Server:
    """One process on its core. Streams are known by their number."""

    name = ""
    says_hello = True
    resumes = True

    def __init__(self, home: Home) -> None:
        self.home = home
        self.port = 0
        self._process: Process | None = None
        self._starts = itertools.count(1)

    @property
    def pid(self) -> int:
        return self._process.pid or 0 if self._process else 0

    @property
    def serving_pid(self) -> int:
        """The process that holds the sockets: the only child of a master, or the process itself."""
        children = psutil.Process(self.pid).children()
        return children[-1].pid if children else self.pid

    def start(self) -> None:
        self.port = pick_port()
        log = self.home.folder / "logs" / f"{self.name}-{next(self._starts)}.log"
        self._process = Process(self.name, self.command(), log, env=self.env(), cwd=ROOT)
        self._process.start()
        take_core(SERVER_CORE, self.pid)  # at once: its threads and children inherit it
        self._process.wait_until(lambda: listens(self.port), _START_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(5)

    def terminate(self) -> None:
        """As a deployment does; it goes in its own time."""
        if self._process is not None:
            self._process.send(signal.SIGTERM)

    def install(self) -> None:
        """Raises PeerMissing."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def env(self) -> Mapping[str, str]:
        return dict(self.home.env)

    def have(self, streams: int) -> None:
        raise NotImplementedError

    def seq(self, stream: int) -> int:
        raise NotImplementedError

    def append(self, stream: int, count: int = 1) -> int:
        """Number, keep and publish; the number of the last one."""
        raise NotImplementedError

    def ticket(self, stream: int, after: int | None = None) -> Ticket:
        """A place behind `after`; without it at the end."""
        raise NotImplementedError


class Welno(Server):
    """The product's own web process, as the Procfile starts it, with real sessions and their tokens."""

    name = "welno"

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._seqs: dict[int, int] = {}
        self.settings: dict[str, str] = {}

    def command(self) -> Sequence[str]:
        return web_program("web", self.port).command

    def env(self) -> Mapping[str, str]:
        return {**self.home.env, **LIMITS, **self.settings}

    def have(self, streams: int) -> None:
        self.home.sessions.have(streams)
        self.home.sessions.check(streams - 1)

    def seq(self, stream: int) -> int:
        return self._seqs.get(stream, 0)

    def append(self, stream: int, count: int = 1) -> int:
        session_id = self.home.sessions.all[stream].session_id
        bodies = [encode_body(event_body(session_id)) for _ in range(count)]
        self._seqs[stream] = self.home.sessions.append(stream, bodies).seq
        return self._seqs[stream]

    def ticket(self, stream: int, after: int | None = None) -> Ticket:
        session = self.home.sessions.all[stream]
        place = self.seq(stream) if after is None else after
        path = f"/api/v1/tilko/ws/{session.session_id}?after_seq={place}"
        return Ticket(self.port, handshake(path, f"{session.session_id}.{session.token}"), place)


class Peer(Server):
    """Keeps its events in a Redis stream and publishes them, both in one round trip; numbers are given by the bench."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._seqs: list[int] = []
        self._token = os.urandom(32).hex()

    def env(self) -> Mapping[str, str]:
        return {**self.home.env, "BENCH_REDIS_URL": self.home.env["REDIS_URL"]}

    def have(self, streams: int) -> None:
        pipe = self.home.redis.pipeline(transaction=False)
        for stream in range(len(self._seqs), streams):
            pipe.set(f"bench:token:{self.stream_name(stream)}", self._token)
        pipe.execute()
        self._seqs += [0] * (streams - len(self._seqs))

    def seq(self, stream: int) -> int:
        return self._seqs[stream]

    def append(self, stream: int, count: int = 1) -> int:
        name = self.stream_name(stream)
        pipe = self.home.redis.pipeline(transaction=False)
        for _ in range(count):
            self._seqs[stream] += 1
            seq = self._seqs[stream]
            json = orjson.dumps({"seq": seq, **event_body(name)})
            pipe.xadd(f"bench:log:{name}", {"body": json}, id=f"{seq}-0", maxlen=_KEPT_EVENTS)
            pipe.publish(self.channel(name), self.payload(seq, json))
        pipe.execute()
        return self._seqs[stream]

    def ticket(self, stream: int, after: int | None = None) -> Ticket:
        place = self.seq(stream) if after is None else after
        path = f"/ws/{self.stream_name(stream)}?after={place}"
        return Ticket(self.port, handshake(path, self._token), place, self.says_hello)

    def stream_name(self, stream: int) -> str:
        return f"{self.name}-{stream}"

    def channel(self, name: str) -> str:
        return name

    def payload(self, seq: int, json: bytes) -> bytes:  # noqa: ARG002 for those who wrap it
        return json


class Uvicorn(Peer):
    """An ASGI server with uvloop; the ping of the others."""

    module = ""

    def install(self) -> None:
        peers.install_python()

    def command(self) -> Sequence[str]:
        pings = ("--ws-ping-interval", "25", "--ws-ping-timeout", "10")
        where = ("--host", LOOPBACK, "--port", str(self.port), "--app-dir", str(peers.HERE))
        quiet = ("--log-level", "warning", "--no-access-log")
        return (str(peers.PYTHON), "-m", "uvicorn", f"{self.module}:application", *where, *pings, *quiet)


class Channels(Uvicorn):
    name = "channels"
    module = "channels_app"

    def channel(self, name: str) -> str:
        return f"asgi__group__{name}"

    def payload(self, seq: int, json: bytes) -> bytes:
        """What its layer's `group_send` publishes: MessagePack of {type, seq, text}."""
        number = b"\xce" + seq.to_bytes(4)
        pairs = (_packed(b"type"), _packed(b"stream.event"), _packed(b"seq"), number, _packed(b"text"), _packed(json))
        return b"\x83" + b"".join(pairs)


class Starlette(Uvicorn):
    name = "starlette"
    module = "starlette_app"


class Node(Peer):
    name = "node"

    def install(self) -> None:
        peers.install_node()
        shutil.copy(peers.HERE / "node/server.js", peers.NODE / "server.js")

    def command(self) -> Sequence[str]:
        return (str(ROOT / "dev/scripts/with-node"), "node", str(peers.NODE / "server.js"), str(self.port))


class Nchan(Peer):
    """nginx keeps and numbers the events itself, in shared memory: no Redis in its path, and places of its own kind."""

    name = "nchan"
    says_hello = False
    resumes = False

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._publisher: socket.socket | None = None

    def install(self) -> None:
        peers.install_nchan()

    def command(self) -> Sequence[str]:
        folder = self.home.folder / f"nchan-{self.port}"
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

    def have(self, streams: int) -> None:
        self._seqs += [0] * (streams - len(self._seqs))

    def append(self, stream: int, count: int = 1) -> int:
        name = self.stream_name(stream)
        requests = []
        for _ in range(count):
            self._seqs[stream] += 1
            json = orjson.dumps({"seq": self._seqs[stream], **event_body(name)})
            head = f"POST /pub/{name} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Length: {len(json)}\r\n\r\n"
            requests.append(head.encode() + json)
        self._publish(b"".join(requests), count)
        return self._seqs[stream]

    def _publish(self, requests: bytes, count: int) -> None:
        """All in one write, as the others' pipelines; nginx lets go of a connection after a while."""
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


def listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True


SERVERS: dict[str, Callable[[Home], Server]] = {
    server.name: server for server in (Welno, Node, Channels, Starlette, Nchan)
}
PYTHON_PEERS = ("channels", "starlette")
