"""The operators' command that moves the spool's files into a bucket, and back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import Clock
from core.sealing import Sealer
from spool import AnswerKind, KeptAnswer, Spool
from tests.integration.commands import Ended, run_command
from tests.integration.spool.actions import files_in
from tests.integration.spool.bucket_fixtures import bucket, bucket_url
from tests.integration.spool.buckets import BUCKET, KEYS, Bucket
from tests.integration.tasks.test_show_file import KEY, SESSION, written

__all__ = ["bucket", "bucket_url"]
Move = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path, Sealer({"now": KEY}), Clock())
    spool.ensure_folders()
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"paid"))
    return spool


@pytest.fixture
def move(tmp_path: Path, bucket: Bucket, demo_env: dict[str, str]) -> Move:
    def call(*arguments: str, **own: str) -> Ended:
        where = {
            "TILKO_DATA_DIR": str(tmp_path),
            "TILKO_DATA_URL": f"s3://{BUCKET}/{bucket.address.prefix}",
            "TILKO_DATA_ENDPOINT": str(bucket.address.endpoint_url),
            "TILKO_DATA_MOVING": "true",
            "WELNO_SEALING_KEYS": written(now=KEY),
        }
        return run_command("tasks.move_files", *arguments, env=demo_env | KEYS | where | own)

    return call


def test_a_folder_is_moved_into_its_bucket_and_back(folder: Spool, tmp_path: Path, bucket: Bucket, move: Move):
    there = move()
    assert (there.status, there.errors) == (0, "")
    assert there.output.splitlines()[-1] == "0 moved, 0 in use, 0 differ in both places, 0 do not open"
    assert (files_in(tmp_path), len(bucket.files())) == ([], 1)
    assert move("--back").status == 0
    assert (len(files_in(tmp_path)), bucket.files()) == (1, [])
    assert folder.read_incoming(SESSION, AnswerKind.HEALTH).body == b"paid"


def test_a_bucket_that_is_away_is_told_and_nothing_goes(folder: Spool, move: Move):
    refused = move(TILKO_DATA_ENDPOINT="http://127.0.0.1:9", TILKO_DATA_TIMEOUT_SECONDS="0.2")
    assert (refused.status, "refused: unreachable" in refused.errors) == (1, True)
    assert folder.read_incoming(SESSION, AnswerKind.HEALTH).body == b"paid"


def test_a_command_without_a_bucket_says_so(folder: Spool, move: Move):
    wrong = move(TILKO_DATA_URL="", TILKO_DATA_MOVING="false")
    assert (wrong.status, wrong.errors) == (2, "TILKO_DATA_URL names no bucket\n")
