"""A worker that lacks what its tasks need takes none: it ends, and whoever started it starts it again."""

import subprocess
import sys

import pytest

from dev.local.programs import ROOT
from tasks.starting import ends_worker
from tests.integration.spool.buckets import BUCKET, KEYS
from tests.waiting import COMMAND_SECONDS

NOWHERE = {
    "TILKO_DATA_URL": f"s3://{BUCKET}/away",
    "TILKO_DATA_ENDPOINT": "http://127.0.0.1:9",
    "TILKO_DATA_TIMEOUT_SECONDS": "0.2",
}
COLLECTION = (sys.executable, "-m", "celery", "-A", "tasks.app", "worker", "-Q", "collection", "--pool", "threads")


def test_a_worker_whose_bucket_is_away_ends(demo_env: dict[str, str]):
    ended = subprocess.run(
        COLLECTION,
        cwd=ROOT,
        env=demo_env | KEYS | NOWHERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert ended.returncode == 1
    assert "worker_not_started" in ended.stdout
    assert "reason=unreachable" in ended.stdout


def test_a_receiver_that_succeeds_ends_nothing():
    seen = []
    ends_worker(lambda **named: seen.append(named))(sender="worker")
    assert seen == [{"sender": "worker"}]


def test_a_receiver_that_stops_the_worker_itself_says_its_own_sentence():
    def refuse(**_: object) -> None:
        sys.exit("settings: a sentence")

    with pytest.raises(SystemExit, match="a sentence"):
        ends_worker(refuse)()
