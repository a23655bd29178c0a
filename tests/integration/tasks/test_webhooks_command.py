"""`python -m tasks.webhooks`: receivers, and what became of the messages to them."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from tests.integration.commands import run_command


@pytest.fixture
def env(engine: Engine, demo_env: dict[str, str], postgres_url: str) -> dict[str, str]:
    del engine  # which has made the tables
    return demo_env | {"DATABASE_URL": postgres_url}


def test_a_receiver_is_added_listed_and_removed(env: dict[str, str]):
    def call(*arguments: str) -> tuple[int, str]:
        done = run_command("tasks.webhooks", *arguments, env=env)
        return done.status, done.output + done.errors

    status, said = call("add", "https://receiver.example/welno")
    added = re.fullmatch(r"id      (\S{36})\nsecret  (whsec_\S{44})\n", said)
    assert status == 0
    assert added
    status, said = call("list")
    assert (status, said) == (0, f"{added[1]}  active    https://receiver.example/welno\n")
    assert added[2] not in said
    assert call("log", "--webhook", added[1]) == (0, "")
    assert call("resend", str(uuid4())) == (1, "nothing has this id\n")
    assert call("remove", added[1])[0] == 0
    assert call("remove", added[1]) == (1, "nothing has this id\n")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("add", "http://receiver.example/"), 1, "must begin with https://"),
        (("remove", "no-id"), 2, "usage:"),
        ((), 2, "usage:"),
    ],
)
def test_what_cannot_be_done_is_told(env: dict[str, str], arguments: tuple[str, ...], status: int, words: str):
    done = run_command("tasks.webhooks", *arguments, env=env)
    assert (done.status, words in done.errors) == (status, True)
