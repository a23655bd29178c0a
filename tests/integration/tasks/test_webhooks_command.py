"""`python -m tasks.webhooks`: receivers, and what became of the messages to them."""

import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from tests.integration.commands import run_command

_ENDED_RUN = """
    insert into welno.welno_collection_history
        (session_id, request_id, status, step, run_state, not_before, hospital_id, partner_id, masked_name, expires_at)
    select :id, 'r-1', 'completed', 'finish', 'ended', now(), min(hospital_id), 'welno', '김*늘', now()
    from welno.welno_hospitals
"""
_MESSAGE = """
    insert into welno.welno_webhook_deliveries
        (id, webhook_id, session_id, kind, body, attempts, due_at, last_result, is_delivered, created_at, ended_at)
    values (:id, :webhook, :session, 'session.completed', '{}', 2, now(), '503', :delivered,
        '2026-11-26T03:04:05Z', case when :ended then now() end)
"""


@pytest.fixture
def env(engine: Engine, demo_env: dict[str, str], postgres_url: str) -> dict[str, str]:
    del engine  # which has made the tables
    return demo_env | {"DATABASE_URL": postgres_url}


def test_a_receiver_is_added_listed_and_removed(env: dict[str, str]):
    def call(*arguments: str) -> tuple[int, str]:
        done = run_command("tasks.webhooks", *arguments, env=env)
        return done.status, done.output + done.errors

    status, said = call("add", "https://93.184.216.34/welno")
    added = re.fullmatch(r"id      (\S{36})\nsecret  (whsec_\S{44})\n", said)
    assert status == 0
    assert added
    status, said = call("list")
    assert (status, said) == (0, f"{added[1]}  active    https://93.184.216.34/welno\n")
    assert added[2] not in said
    assert call("log", "--webhook", added[1]) == (0, "")
    assert call("resend", str(uuid4())) == (1, "nothing has this id\n")
    assert call("enable", added[1]) == (0, "is told of what ends from now on\n")
    assert call("remove", added[1])[0] == 0
    assert call("enable", added[1]) == (1, "nothing has this id\n")
    assert call("remove", added[1]) == (1, "nothing has this id\n")


def test_a_host_that_nobody_knows_is_taken_with_a_warning(env: dict[str, str]):
    added = run_command("tasks.webhooks", "add", "https://reciever.invalid/welno", env=env)
    assert (added.status, added.output.startswith("id      ")) == (0, True)
    assert added.errors == "reciever.invalid cannot be resolved here now: it is told nothing until it can be\n"
    webhook = added.output.split()[1]
    assert run_command("tasks.webhooks", "remove", webhook, env=env).status == 0


@pytest.fixture
def session_id(engine: Engine) -> Iterator[UUID]:
    """Of a run that has ended."""
    made = uuid4()
    with engine.begin() as connection:
        connection.execute(text(_ENDED_RUN), {"id": made})
    yield made
    with engine.begin() as connection:
        connection.execute(text("delete from welno.welno_collection_history where session_id = :id"), {"id": made})


@pytest.mark.parametrize(
    ("ended", "delivered", "words"),
    [
        (False, False, "attempts 2  503  waiting"),
        (True, False, "attempts 2  503  given up"),
        (True, True, "attempts 2  503  delivered"),
    ],
)
def test_the_log_says_what_became_of_a_message(
    env: dict[str, str], engine: Engine, session_id: UUID, words: str, *, ended: bool, delivered: bool
):
    added = run_command("tasks.webhooks", "add", "https://receiver.example/welno", env=env)
    webhook = added.output.split()[1]
    message = {"id": uuid4(), "webhook": webhook, "session": session_id, "ended": ended, "delivered": delivered}
    with engine.begin() as connection:
        connection.execute(text(_MESSAGE), message)
    logged = run_command("tasks.webhooks", "log", "--webhook", webhook, env=env)
    line = f"2026-11-26T03:04:05Z  {message['id']}  session.completed  session {session_id}  {words}\n"
    assert (logged.status, logged.output) == (0, line)
    assert run_command("tasks.webhooks", "log", "--limit", "0", env=env).output == ""
    assert run_command("tasks.webhooks", "remove", webhook, env=env).status == 0


def test_nothing_is_sent_again_to_one_that_has_gone(env: dict[str, str], engine: Engine, session_id: UUID):
    webhook = run_command("tasks.webhooks", "add", "https://receiver.example/welno", env=env).output.split()[1]
    message = {"id": uuid4(), "webhook": webhook, "session": session_id, "ended": True, "delivered": False}
    with engine.begin() as connection:
        connection.execute(text(_MESSAGE), message)
        connection.execute(text("update welno.welno_webhooks set disabled_at = now() where id = :id"), {"id": webhook})
    refused = run_command("tasks.webhooks", "resend", str(message["id"]), env=env)
    assert (refused.status, f"enable {webhook} first" in refused.errors) == (1, True)
    assert run_command("tasks.webhooks", "enable", webhook, env=env).status == 0
    assert run_command("tasks.webhooks", "resend", str(message["id"]), env=env).status == 0
    assert run_command("tasks.webhooks", "remove", webhook, env=env).status == 0


def test_where_receivers_are_inside_their_network_is_named(env: dict[str, str]):
    def add(networks: str) -> tuple[int, str]:
        added = run_command(
            "tasks.webhooks", "add", "https://127.0.0.1/welno", env=env | {"WELNO_WEBHOOK_NETWORKS": networks}
        )
        return added.status, added.output + added.errors

    for networks in ("", "10.0.0.0/8"):
        status, said = add(networks)
        assert (status, said.startswith("url: 127.0.0.1 leads to 127.0.0.1, which is not public: ")) == (1, True)
        assert "name the network in WELNO_WEBHOOK_NETWORKS, here and for the workers" in said
    status, said = add("10.0.0.0/8,127.0.0.0/8")
    assert status == 0
    assert run_command("tasks.webhooks", "remove", said.split()[1], env=env).status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("add", "http://receiver.example/"), 1, "url: the address must begin with https://"),
        (("remove", "no-id"), 2, "usage:"),
        ((), 2, "usage:"),
    ],
)
def test_what_cannot_be_done_is_told(env: dict[str, str], arguments: tuple[str, ...], status: int, words: str):
    done = run_command("tasks.webhooks", *arguments, env=env)
    assert (done.status, words in done.errors) == (status, True)
