"""Layers of maps, in a folder and in a store that is like S3: the same for whoever asks."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from services.journey.maps.store import FloorMaps, FolderMapStore, MapNotFound, MapStore


class BucketMapStore:
    """Objects over HTTP, by PUT and GET, as S3 has them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, key: str, content: bytes) -> None:
        httpx.put(f"{self._url}/{key}", content=content).raise_for_status()

    def get(self, key: str) -> bytes | None:
        answer = httpx.get(f"{self._url}/{key}")
        if answer.status_code == 404:
            return None
        return answer.raise_for_status().content


class Bucket(BaseHTTPRequestHandler):
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"")

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests say enough."""


@pytest.fixture
def bucket_url() -> Iterator[str]:
    handler = type("EmptyBucket", (Bucket,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/maps"
        server.shutdown()


@pytest.fixture(params=["folder", "bucket"])
def maps(request: pytest.FixtureRequest, tmp_path: Path) -> FloorMaps:
    store: MapStore = FolderMapStore(tmp_path / "maps")
    if request.param == "bucket":
        store = BucketMapStore(request.getfixturevalue("bucket_url"))
    return FloorMaps(store)


def test_layers_come_in_the_order_in_which_they_are_drawn(maps: FloorMaps):
    for name in ("labels", "base"):
        maps.put_layer("1", name, name.encode())
    assert [(layer.name, layer.content) for layer in maps.list_layers("1")] == [
        ("base", b"base"),
        ("labels", b"labels"),
    ]


def test_a_layer_that_is_replaced_has_another_version(maps: FloorMaps):
    before = maps.put_layer("-1", "base", b"old")
    maps.put_layer("-1", "base", b"new")
    found = maps.read_layer("-1", "base")
    assert (found.content, found.version != before.version) == (b"new", True)


def test_an_empty_floor_is_not_found(maps: FloorMaps):
    with pytest.raises(MapNotFound):
        maps.list_layers("9")
    with pytest.raises(MapNotFound):
        maps.read_layer("9", "base")


@pytest.mark.parametrize(
    ("floor", "name"), [("1", "../base"), ("..", "base"), ("1/..", "base"), ("1", "roof"), ("1", ""), ("１", "base")]
)
def test_an_odd_name_reaches_no_store(maps: FloorMaps, floor: str, name: str):
    for ask in (maps.read_layer, lambda floor, name: maps.put_layer(floor, name, b"")):
        with pytest.raises(MapNotFound):
            ask(floor, name)


def test_a_reader_sees_a_whole_layer_while_it_is_replaced(tmp_path: Path):
    store = FolderMapStore(tmp_path)
    versions = [bytes([letter]) * 200_000 for letter in b"ab"]
    store.put("1/base.svg", versions[0])
    writer = Thread(target=lambda: [store.put("1/base.svg", versions[turn % 2]) for turn in range(50)])
    writer.start()
    while writer.is_alive():
        assert store.get("1/base.svg") in versions


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path):
    store = FolderMapStore(tmp_path)
    (tmp_path / "1" / "base.svg").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        store.put("1/base.svg", b"new")
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["base.svg"]
