"""`python -m tasks.webhooks`: receivers, and what became of the messages to them."""

import os
import re
import subprocess
import sys

from sqlalchemy import Engine

from dev.local.programs import ROOT


def test_a_receiver_is_added_listed_and_removed(engine: Engine, demo_env: dict[str, str], postgres_url: str):
    env = {"PATH": os.environ["PATH"], **demo_env, "DATABASE_URL": postgres_url}

    def call(*arguments: str) -> tuple[int, str]:
        asked = [sys.executable, "-m", "tasks.webhooks", *arguments]
        done = subprocess.run(asked, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    status, said = call("add", "https://receiver.example/welno")
    added = re.fullmatch(r"id      (\S{36})\nsecret  (whsec_\S{44})\n", said)
    assert status == 0
    assert added
    status, said = call("list")
    assert (status, said) == (0, f"{added[1]}  active    https://receiver.example/welno\n")
    assert added[2] not in said
    assert call("log", "--webhook", added[1]) == (0, "")
    assert call("remove", added[1])[0] == 0
    assert call("remove", added[1]) == (1, "nothing has this id\n")
    status, said = call("add", "http://receiver.example/")
    assert (status, "https://" in said) == (1, True)
    status, said = call("remove", "no-id")
    assert (status, "usage:" in said) == (2, True)
