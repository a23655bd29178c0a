"""The product's own web process with sessions of the collection, each followed by one reader."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from dev.bench.relay.testbed import open_testbed
from dev.bench.relay.websocket_client import ConnectRequest
from dev.bench.relay.welno_server import WelnoServer
from dev.bench.relay.workloads import RelayWorkload


class CollectionSoak:
    def __init__(self, server: WelnoServer, streams: RelayWorkload, readers: int) -> None:
        self._server = server
        self._streams = streams
        self._readers = readers

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def serving_pid(self) -> int:
        return self._server.serving_pid

    def connect_request(self, reader: int, after: int) -> ConnectRequest:
        return self._server.connect_request(reader, after)

    def write(self, rng: random.Random) -> None:
        self._server.append(rng.randrange(self._readers))

    def written(self, reader: int) -> int:
        return self._server.last_seq(reader)

    def stored(self, reader: int) -> int:
        return self._streams.last_seq(reader)


@contextmanager
def open_collection(readers: int) -> Iterator[CollectionSoak]:
    with open_testbed("collection") as testbed:
        server = WelnoServer(testbed)
        server.start()
        try:
            server.create_streams(readers)
            yield CollectionSoak(server, testbed.workload, readers)
        finally:
            server.stop()
