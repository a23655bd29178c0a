"""The loads of `dev.bench.clients`, each in a process of its own, forked when all that they need is imported.

Reads a line of JSON for each, `[name, url, count]`; prints one: CPU in microseconds for each message, command or
exchange, warmed up before.
"""

import asyncio
import itertools
import json
import os
import sys
import time
import traceback
import tracemalloc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

import aiohttp
import gevent
import h11
import httpx
import redis
from websockets.frames import Frame
from websockets.frames import Opcode as FrameOpcode
from websockets.server import ServerProtocol
from wsproto.connection import Connection as WsprotoConnection
from wsproto.connection import ConnectionType
from wsproto.events import TextMessage

from dev.bench.results import Metrics
from services.stores import connect_redis
from streams.multiplexed import MultiplexedRedis
from upstream.http.connection_pool import HttpConnectionPool, Outcome
from upstream.http.response_parser import ResponseParser
from webapp.relay.frames import FrameReader, Opcode, encode_frame
from webapp.relay.pubsub import PubSubLink

_EVENT_BYTES = 300
_MESSAGE_BYTES = 100
_MAX_BYTES = 65_536
_KEPT = 1_000
_EXCHANGES_AT_ONCE = 100
_WAIT_SECONDS = 60
CHANNEL = "bench:clients"

_BODY = b'{"Status":"Error","ErrorCode":4115,"Message":"' + b"x" * 60 + b'"}'
_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\nCache-Control: no-cache\r\n"
    b"Date: Tue, 25 Nov 2025 10:00:00 GMT\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_REQUEST_HEADERS = {"Content-Type": "application/json", "API-KEY": "bench", "ENC-KEY": "x" * 344}
_REQUEST_BODY = b'{"CxId":"cx-bench","PrivateAuthType":"0","UserName":"' + b"x" * 24 + b'"}'


def per_call_us(call: Callable[[], object], count: int) -> float:
    for _ in range(count // 10):
        call()
    before = time.process_time()
    for _ in range(count):
        call()
    return (time.process_time() - before) / count * 1e6


def kept_bytes(make: Callable[[], object]) -> float:
    """Of memory that one of them holds."""
    make()
    tracemalloc.start()
    kept = [make() for _ in range(_KEPT)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(kept)


# WebSocket frames


def _masked(size: int) -> bytes:
    """A client's text message."""
    key, payload = b"\x01\x02\x03\x04", b"x" * size
    return b"\x81" + bytes([0x80 | size]) + key + bytes(byte ^ key[n % 4] for n, byte in enumerate(payload))


def frames_own(_url: str, count: int) -> Metrics:
    reader, message, event = FrameReader(_MAX_BYTES), _masked(_MESSAGE_BYTES), b"x" * _EVENT_BYTES
    return {
        "read_us": per_call_us(lambda: list(reader.feed(message)), count),
        "write_us": per_call_us(lambda: encode_frame(Opcode.TEXT, event), count),
        "kept_bytes": kept_bytes(lambda: FrameReader(_MAX_BYTES)),
    }


def frames_websockets(_url: str, count: int) -> Metrics:
    protocol, message, event = ServerProtocol(max_size=_MAX_BYTES), _masked(_MESSAGE_BYTES), b"x" * _EVENT_BYTES
    _open_websockets(protocol)

    def read() -> None:
        protocol.receive_data(message)
        protocol.events_received()

    return {
        "read_us": per_call_us(read, count),
        "write_us": per_call_us(lambda: Frame(FrameOpcode.TEXT, event).serialize(mask=False), count),
        "kept_bytes": kept_bytes(lambda: _open_websockets(ServerProtocol(max_size=_MAX_BYTES))),
    }


def _open_websockets(protocol: ServerProtocol) -> ServerProtocol:
    protocol.receive_data(
        b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    request: Any = protocol.events_received()[0]
    protocol.send_response(protocol.accept(request))
    protocol.data_to_send()
    return protocol


def frames_wsproto(_url: str, count: int) -> Metrics:
    connection, message, event = _open_wsproto(), _masked(_MESSAGE_BYTES), "x" * _EVENT_BYTES

    def read() -> None:
        connection.receive_data(message)
        list(connection.events())

    return {
        "read_us": per_call_us(read, count),
        "write_us": per_call_us(lambda: connection.send(TextMessage(event)), count),
        "kept_bytes": kept_bytes(_open_wsproto),
    }


def _open_wsproto() -> WsprotoConnection:
    return WsprotoConnection(ConnectionType.SERVER, extensions=[], trailing_data=b"")


# Pub/sub: the bench publishes so many messages once "ready" was printed


def pubsub_own(url: str, count: int) -> Metrics:
    received, done, ready = itertools.count(1), gevent.event.Event(), gevent.event.Event()

    def on_messages(batch: list[tuple[bytes, bytes]]) -> None:
        for _ in batch:
            if next(received) == count:
                done.set()

    link = PubSubLink(
        url,
        on_messages=on_messages,
        on_subscribed=lambda _: None,
        on_ready=ready.set,
        names_to_restore=lambda: [CHANNEL.encode()],
    )
    link.start()
    ready.wait(_WAIT_SECONDS)
    before = _announce()
    done.wait(_WAIT_SECONDS)
    metrics = {"message_us": (time.process_time() - before) / count * 1e6}
    link.stop()
    return metrics


def pubsub_redis_py(url: str, count: int) -> Metrics:
    with redis.Redis.from_url(url) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(CHANNEL)
        while subscription.get_message(timeout=0.2) is not None or not subscription.subscribed:
            pass
        before = _announce()
        received = 0
        while received < count:
            received += subscription.get_message(timeout=1) is not None
        return {"message_us": (time.process_time() - before) / count * 1e6}


def _announce() -> float:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return time.process_time()


# Redis commands, as a web process gives them


def commands(kind: type[redis.Redis], url: str, count: int) -> Metrics:
    client = connect_redis(url, kind)
    metrics: Metrics = {}
    for callers in CALLERS:
        metrics |= _measure_commands(client, callers, count)
    return metrics


def _measure_commands(client: redis.Redis, callers: int, count: int) -> Metrics:
    script = client.script_load("return redis.call('HMGET', KEYS[1], 'epoch', 'seq')")
    client.hset("bench:hash", mapping={f"field{n}": "x" * 20 for n in range(15)})

    def call(times: int) -> None:
        for _ in range(times):
            client.evalsha(script, 1, "bench:hash")
            client.hgetall("bench:hash")

    def run(pairs: int) -> None:
        gevent.joinall([gevent.spawn(call, pairs // callers) for _ in range(callers)], raise_error=True)

    pairs = count // 2 // callers * callers
    run(max(pairs // 10, callers))
    before = time.process_time()
    run(pairs)
    return {f"{callers}_at_once_us": (time.process_time() - before) / (2 * pairs) * 1e6}


# HTTP


def parser_own(_url: str, count: int) -> Metrics:
    parser = ResponseParser(_MAX_BYTES)
    return {"parse_us": per_call_us(lambda: parser.feed(_RESPONSE), count)}


def parser_h11(_url: str, count: int) -> Metrics:
    request = h11.Request(method="POST", target="/", headers=[("Host", "bench"), ("Content-Length", "0")])

    def parse() -> None:
        connection = h11.Connection(h11.CLIENT)
        connection.send(request)
        connection.send(h11.EndOfMessage())
        connection.receive_data(_RESPONSE)
        while not isinstance(connection.next_event(), h11.EndOfMessage):
            pass

    return {"parse_us": per_call_us(parse, count)}


def exchanges_own(url: str, count: int) -> Metrics:
    async def measure() -> Metrics:
        pool = HttpConnectionPool(
            url, max_connections=_EXCHANGES_AT_ONCE, connect_seconds=5, max_response_bytes=_MAX_BYTES
        )

        def exchange() -> Awaitable[object]:
            arrived: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            request = pool.build("POST", "/poll", _REQUEST_HEADERS, _REQUEST_BODY)
            pool.start(request, _WAIT_SECONDS, arrived.set_result)
            return arrived

        metrics = await _measure_exchanges(exchange, count)
        await pool.close()
        return metrics

    return asyncio.run(measure())


def exchanges_aiohttp(url: str, count: int) -> Metrics:
    async def measure() -> Metrics:
        connector = aiohttp.TCPConnector(limit=_EXCHANGES_AT_ONCE)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

            async def exchange() -> bytes:
                async with session.post(f"{url}/poll", data=_REQUEST_BODY, headers=_REQUEST_HEADERS) as response:
                    return await response.read()

            return await _measure_exchanges(exchange, count)

    return asyncio.run(measure())


def exchanges_httpx(url: str, count: int) -> Metrics:
    async def measure() -> Metrics:
        limits = httpx.Limits(max_connections=_EXCHANGES_AT_ONCE, max_keepalive_connections=_EXCHANGES_AT_ONCE)
        async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

            async def exchange() -> httpx.Response:
                return await client.post(f"{url}/poll", content=_REQUEST_BODY, headers=_REQUEST_HEADERS)

            return await _measure_exchanges(exchange, count)

    return asyncio.run(measure())


async def _measure_exchanges(exchange: Callable[[], Awaitable[object]], count: int) -> Metrics:
    """In waves of as many as there are connections."""

    async def run(waves: int) -> None:
        for _ in range(waves):
            await asyncio.gather(*(exchange() for _ in range(_EXCHANGES_AT_ONCE)))

    waves = max(count // _EXCHANGES_AT_ONCE, 1)
    await run(2)
    before = time.process_time()
    await run(waves)
    return {"exchange_us": (time.process_time() - before) / (waves * _EXCHANGES_AT_ONCE) * 1e6}


CALLERS = (1, 16, 64)
LOADS: dict[str, Callable[[str, int], Metrics]] = {
    "frames own": frames_own,
    "frames websockets": frames_websockets,
    "frames wsproto": frames_wsproto,
    "pubsub own": pubsub_own,
    "pubsub redis-py": pubsub_redis_py,
    "commands multiplexed": partial(commands, MultiplexedRedis),
    "commands redis-py": partial(commands, redis.Redis),
    "parser httptools": parser_own,
    "parser h11": parser_h11,
    "exchanges own": exchanges_own,
    "exchanges aiohttp": exchanges_aiohttp,
    "exchanges httpx": exchanges_httpx,
}


def main() -> int:
    """Ends with its input, or with the first load that fails."""
    for line in sys.stdin:
        name, url, count = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(name, url, count)
        _, status = os.waitpid(child, 0)
        if status != 0:
            return 1
    return 0


def _run(name: str, url: str, count: int) -> NoReturn:
    try:
        print(json.dumps(LOADS[name](url, count)), flush=True)
        os._exit(0)  # the threads of a client under test may wait for ever
    finally:
        traceback.print_exc()
        os._exit(1)
