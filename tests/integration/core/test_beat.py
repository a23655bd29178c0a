"""Beat sends its jobs and keeps nothing on disk: a file that it unpickled at its start would be somebody's way in."""

import sys
from pathlib import Path

import redis

from core.names import Queue
from dev.local.process import Process
from dev.local.programs import ROOT
from tests.waiting import wait_until


def test_beat_sends_its_jobs_and_leaves_no_file(demo_env: dict[str, str], redis_client: redis.Redis, tmp_path: Path):
    folder = tmp_path / "cwd"
    folder.mkdir()
    env = demo_env | {"PYTHONPATH": str(ROOT), "WELNO_FILE_RETRY_INTERVAL_SECONDS": "0.1"}
    command = (sys.executable, "-m", "celery", "-A", "tasks.app", "beat", "--loglevel", "INFO")
    beat = Process("beat", command, tmp_path / "beat.log", env=env, cwd=folder)
    beat.start()
    try:
        wait_until(lambda: redis_client.llen(Queue.FILES), 60)
    finally:
        beat.stop()
    assert beat.exit_code == 0, beat.log_tail()
    assert list(folder.iterdir()) == []
