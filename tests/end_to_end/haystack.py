"""Everything that the product leaves behind outside of PostgreSQL, as text in which a person can be searched for."""

import base64
import binascii
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import redis

from tests.end_to_end.product import Product
from tests.plain_http import NO_TLS

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPED = re.compile(rb"\\+x([0-9a-f]{2})")


class Wiretap:
    """Every command that reaches Redis while it is open, with its arguments: keys, values, messages, channels."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._monitor = self._client.monitor()
        self._heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._monitor.__enter__()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with redis.Redis.from_url(str_url(self._client)) as other:
            other.echo("the end of the wiretap")
        self._thread.join(10)
        self._monitor.__exit__(kind, error, at)
        self._client.close()

    @property
    def text(self) -> bytes:
        return b"\n".join(self._heard)

    def _listen(self) -> None:
        while True:
            line = self._monitor.connection.read_response(disable_decoding=True)
            self._heard.append(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), bytes(line)))
            if b"the end of the wiretap" in self._heard[-1]:
                return


def str_url(client: redis.Redis) -> str:
    known: dict[str, Any] = client.connection_pool.connection_kwargs
    secret = f":{known['password']}@" if known.get("password") else ""
    return f"redis://{secret}{known['host']}:{known['port']}/{known.get('db', 0)}"


def redis_contents(client: redis.Redis) -> bytes:
    """All keys and values, of every type."""
    return b"\n".join(
        key + b" " + repr(_value(client, key)).encode() + b" " + _raw(client, key) for key in client.scan_iter()
    )


def _value(client: redis.Redis, key: bytes) -> Any:
    match client.type(key):
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case b"stream":
            return client.xrange(key)
        case _:
            return client.get(key)


def _raw(client: redis.Redis, key: bytes) -> bytes:
    """Python writes bytes escaped; here they stand as they are."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), repr(_value(client, key)).encode())


def file_contents(product: Product) -> dict[str, bytes]:
    """All files of the home: logs, spool, beat's schedule, Redis' own files. Not PostgreSQL's, nor the secrets."""
    home = product.stack.home
    kept = (path for path in home.rglob("*") if path.is_file())
    outside = (path for path in kept if path.relative_to(home).parts[0] not in {"postgres", "secrets"})
    return {str(path.relative_to(home)): path.read_bytes() for path in outside if not _is_the_providers(path)}


def _is_the_providers(path: Path) -> bool:
    return path.name == "sandbox.log"


def flower_contents(product: Product) -> dict[str, bytes]:
    pages = ("/api/tasks?limit=10000", "/api/workers", "/metrics", "/tasks", "/workers", "/broker")
    with httpx.Client(base_url=product.stack.flower_url, headers=product.operator, timeout=20, verify=NO_TLS) as client:
        return {page: client.get(page).raise_for_status().content for page in pages}


def find_in(needles: dict[str, str], hay: bytes) -> list[str]:
    """The names of the needles that lie in there: plain, quoted for an address or for JSON, or within base64."""
    layers = [hay, b"\n".join(_decoded(hay))]
    return [
        name for name, needle in needles.items() if any(form in layer for layer in layers for form in _forms(needle))
    ]


def _forms(needle: str) -> set[bytes]:
    quoted = needle.encode("unicode_escape")
    return {needle.encode(), quote(needle).encode(), quoted, quoted.replace(b"\\", b"\\\\")}


def _decoded(hay: bytes) -> Iterator[bytes]:
    for found in _BASE64.findall(hay):
        try:
            yield base64.b64decode(found.rstrip(b"=") + b"=" * (-len(found.rstrip(b"=")) % 4), altchars=None)
        except (binascii.Error, ValueError):
            continue
