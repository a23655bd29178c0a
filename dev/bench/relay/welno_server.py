"""The product's own web process, as the Procfile starts it, with real sessions or whatever the workload serves."""

from collections.abc import Mapping, Sequence

from dev.bench.relay.server_under_test import ServerUnderTest
from dev.bench.relay.testbed import Testbed
from dev.bench.relay.websocket_client import ConnectRequest, build_handshake
from dev.local.programs import web_program


class WelnoServer(ServerUnderTest):
    name = "welno"

    def __init__(self, testbed: Testbed) -> None:
        super().__init__(testbed)
        self._workload = testbed.workload
        self._seqs: dict[int, int] = {}
        self.settings: dict[str, str] = {}

    def command(self) -> Sequence[str]:
        return web_program("web", self.port).command

    def env(self) -> Mapping[str, str]:
        return {**self.testbed.env, **self._workload.settings, **self.settings}

    def create_streams(self, count: int) -> None:
        self._workload.create(count)

    def last_seq(self, stream: int) -> int:
        return self._seqs.get(stream, 0)

    def append(self, stream: int, count: int = 1) -> int:
        bodies = [self._workload.event_body(str(stream)) for _ in range(count)]
        self._seqs[stream] = self._workload.append(stream, bodies)
        return self._seqs[stream]

    def connect_request(self, stream: int, after: int | None = None) -> ConnectRequest:
        place = self.last_seq(stream) if after is None else after
        handshake = build_handshake(self._workload.path(stream, place), self._workload.token(stream))
        return ConnectRequest(self.port, handshake, place)
