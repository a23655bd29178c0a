"""What the object store's server writes down: writes that were done, and nothing else."""

import io
from pathlib import Path

import pytest

from dev.hosts.object_server import RecordedWrites, read_record


def answer(record: io.StringIO, method: str, status: str) -> list[bytes]:
    def application(_environ, start_response):
        start_response(status, [])
        return [b"done"]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/bucket/spool/incoming/one.raw"}
    return list(RecordedWrites(application, record)(environ, lambda *_: None))


@pytest.mark.parametrize(
    ("method", "status", "is_recorded"),
    [("PUT", "200 OK", True), ("POST", "200 OK", True), ("PUT", "412 Precondition", False), ("GET", "200 OK", False)],
)
def test_only_a_write_that_was_done_is_recorded(method: str, status: str, is_recorded: bool):
    record = io.StringIO()
    assert answer(record, method, status) == [b"done"]
    assert record.getvalue().endswith(" /bucket/spool/incoming/one.raw\n") == is_recorded


def test_the_record_tells_moments_and_keys(tmp_path: Path):
    path = tmp_path / "writes.log"
    path.write_text("12.500000 /bucket/spool/incoming/one.raw\n")
    assert list(read_record(path)) == [(12.5, "spool/incoming/one.raw")]
