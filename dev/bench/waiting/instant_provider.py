"""A provider that answers at once, LoginCheck and data call: not approved, until told otherwise. It decrypts nothing.

`python -m dev.bench.waiting.instant_provider API_KEY` prints its port, then takes one JSON command a line:
`{"approve": [CxId, ...]}`, or `{"report": true}`, which gives the moments (monotonic) of all polls by CxId, and starts
anew.
"""

import asyncio
import base64
import contextlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_FIELD = b'"CxId":"'
_LONGEST_PATH = 100


def _answer(fields: dict[str, object]) -> bytes:
    body = json.dumps(fields).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _public_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


class InstantProvider:
    """What all connections share."""

    def __init__(self, api_key: str) -> None:
        self.key_answer = _answer({"Status": "OK", "ApiKey": api_key, "PublicKey": _public_key()})
        self.not_approved = _answer({"Status": "Error", "ErrorCode": 4115, "Message": "인증이 완료되지 않았습니다."})
        self.approved_answer = _answer({"Status": "OK", "ErrorCode": 0, "ResultList": [], "PointBalance": "1000"})
        checked = {"ApiTxKey": "tx-bench", "Status": "OK", "StatusSeq": 0, "ErrorCode": 0, "Message": None}
        self.login_checks = {result: _answer(checked | {"Result": result}) for result in (False, True)}
        self.approved: set[str] = set()
        self.polls: defaultdict[str, list[float]] = defaultdict(list)

    def answer(self, request: bytes) -> bytes:
        if request.startswith(b"GET"):
            return self.key_answer
        start = request.index(_FIELD) + len(_FIELD)
        cx_id = request[start : request.index(b'"', start)].decode()
        self.polls[cx_id].append(time.monotonic())
        approved = cx_id in self.approved
        if b"/LoginCheck " in request[:_LONGEST_PATH]:
            return self.login_checks[approved]
        return self.approved_answer if approved else self.not_approved

    def handle_command(self, command: dict[str, list[str]]) -> object:
        if "approve" in command:
            self.approved.update(command["approve"])
            return time.monotonic()
        polls, self.polls = self.polls, defaultdict(list)
        return polls


class ProviderConnection(asyncio.Protocol):
    """One connection; a request is whole when as many bytes followed its head as it says."""

    def __init__(self, provider: InstantProvider) -> None:
        self._provider = provider
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) >= int(length.partition(b"\r\n")[0] or 0):
            request, self._buffer = self._buffer, b""
            self._transport.write(self._provider.answer(request))


async def serve(api_key: str) -> None:
    """Until the end of the standard input."""
    provider, loop = InstantProvider(api_key), asyncio.get_running_loop()
    server = await loop.create_server(lambda: ProviderConnection(provider), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    commands = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        print(json.dumps(provider.handle_command(json.loads(line))), flush=True)
    server.close()


def main(arguments: Sequence[str]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
