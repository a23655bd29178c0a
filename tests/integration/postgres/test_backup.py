"""The product's database is backed up at work, and restored on another server, by the commands of docs/operations.md.

What was written after the backup is lost. Everything before it is there again, as it was guarded; and no number that a
reader has of what is lost is taken for one of what comes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from websockets.sync.client import ClientConnection, connect

from core.settings import Settings
from dev.local.valkey import EmbeddedValkey
from models import Table
from streams import NOWHERE, Page, Position
from tests.integration.commands import Ended, run_command
from tests.integration.interviews.test_row_security import FORCED_OF_PROJECT, UNFORCED, acting_as, projects_in
from tests.integration.webapp.people import ORIGIN
from tests.integration.webapp.server import Server as WebServer
from tests.waiting import WAIT_SECONDS
from webapp import create_app
from webapp.current import parts

from .people_of_all_domains import People
from .production import LOGIN, Server, blocks_of, make_product, running_server

BACKUP_LOGIN, BACK_UP, RESTORE, LOOK, REHEARSE = blocks_of("A backup, and its restore")
BACKUP = "welno_backup"

# What only grows, each with a change that would change nothing.
SAME_VALUE = {"welno_access_log": "day = day", "account_changes": "by = by", "welno_thread_audit": "n = n"}
LOST = 2  # steps of the patient, and as many events of everybody else, after the backup
# What comes before the first number; the last of these tells to start anew.
GREETINGS = {
    "collection": ["connection_established", "session_status", "resync"],
    "patient": ["initial_state", "initial_state"],
    "queue": ["queue.update", "queue.update"],
    "thread": ["connection_established", "subscribed", "resync"],
}


@dataclass
class Restored:
    """`people` stand before the new life, `lost_people` before the one that went on after the backup: `lost` is where
    its readers stood at its end. `believed` is what they would have been told without a new epoch; `looks` is what the
    page's last commands said."""

    before: Server
    after: Server
    folder: Path
    env: dict[str, str]
    people: People
    lost_people: People
    lost: dict[str, Position]
    rows: dict[str, Mapping[str, list[str]]]
    believed: dict[str, Page]
    looks: dict[str, Ended]

    @property
    def epoch(self) -> str:
        return self.looks["tasks.events"].output.strip()


@contextmanager
def product_on(env: Mapping[str, str], database_url: str) -> Iterator[Flask]:
    app = create_app(Settings.read({**env, "DATABASE_URL": database_url}))
    parts(app).spool.ensure_folders()
    yield app
    parts(app).close()


def read_page(app: Flask, subject: str, after: Position = NOWHERE) -> Page:
    return parts(app).stores.events.read_after(subject, after.seq, after.epoch)


def pages_of(people: People) -> dict[str, Page]:
    """What a new reader is told."""
    return {name: read_page(people.app, subject) for name, subject in people.subjects.items()}


def run_looks(env: Mapping[str, str]) -> dict[str, Ended]:
    lines = re.findall(r"^python -m (\S+)(.*)$", LOOK, re.MULTILINE)
    return {module: run_command(module, *arguments.split(), env=env) for module, arguments in lines}


@pytest.fixture(scope="module")
def restored(
    demo_env: dict[str, str], valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Restored]:
    folder = tmp_path_factory.mktemp("backup")
    env = demo_env | {"WELNO_ALLOWED_ORIGINS": ORIGIN, "TILKO_DATA_DIR": str(folder / "files")}
    with ExitStack() as stack:
        before, after = (stack.enter_context(running_server()) for _ in range(2))
        make_product(before)
        before.execute(BACKUP_LOGIN)
        before.execute(f"alter role {LOGIN} in database welno set statement_timeout = '30s'")
        old = stack.enter_context(product_on(env, before.url))
        people = People.bring(old, before.admin)

        backed_up = before.contents()
        before.run(BACK_UP, folder, login=BACKUP)
        people.act(LOST, "lost")
        lost = {name: page.position for name, page in pages_of(people).items()}

        after.run("dropdb welno", folder)  # which this server has made for itself
        after.run(RESTORE, folder)
        rows = {"backed up": backed_up, "restored": after.contents()}
        with product_on(env, after.url) as hasty:
            believed = pages_of(people.moved_to(hasty))
        looks = run_looks(env | {"DATABASE_URL": after.url})
        new = stack.enter_context(product_on(env, after.url))
        yield Restored(before, after, folder, env, people.moved_to(new), people, lost, rows, believed, looks)
        parts(new).stores.redis.flushall()


def test_every_row_is_there_again_and_none_that_came_later(restored: Restored):
    kept = {name for name, rows in restored.rows["backed up"].items() if rows != [""]}
    domains = {mapper.class_.__module__.split(".")[1] for mapper in Table.registry.mappers}
    seen = {
        mapper.class_.__module__.split(".")[1]
        for mapper in Table.registry.mappers
        if f"welno.{mapper.local_table.name}" in kept
    }
    assert seen == domains - {"processes"}  # none runs here
    assert restored.rows["restored"] == restored.rows["backed up"]
    assert restored.before.contents() != restored.rows["backed up"]


def test_tables_partitions_triggers_policies_rights_and_roles_are_the_same(restored: Restored):
    before, after = (server.schema(restored.folder) for server in (restored.before, restored.after))
    for kind in ("PARTITION", "ENABLE ALWAYS TRIGGER", "FORCE ROW LEVEL SECURITY", "POLICY", "GRANT", "OWNER TO"):
        assert kind in before
    assert after == before
    assert restored.after.roles(restored.folder) == restored.before.roles(restored.folder)
    [[settings]] = restored.after.rows("select setconfig from pg_db_role_setting where setdatabase <> 0")
    assert settings == ["statement_timeout=30s"]


def test_what_the_page_has_run_finds_nothing(restored: Restored):
    assert {module: look.status for module, look in restored.looks.items()} == dict.fromkeys(restored.looks, 0)
    assert " whole, " in restored.looks["tasks.access_log"].output
    assert f"{restored.people.talk.id}  whole, " in restored.looks["tasks.threads"].output
    told = restored.looks["tasks.journey.health"].output.splitlines()
    assert told[:3] == ["inconsistencies 0", "orphans 0", "invalid_transitions 0"]
    assert "CALLED 1" in told  # as at the backup


@pytest.mark.parametrize("table", SAME_VALUE)
@pytest.mark.parametrize("statement", ["update {} set {}", "delete from {}", "truncate {}"])
def test_what_only_grows_is_changed_by_nobody(restored: Restored, table: str, statement: str):
    """Not by its owner, who lacks the right or is refused as the superuser is; nor by the superuser as a replica."""
    change = text(statement.format(f"welno.{table}", SAME_VALUE[table]))
    owner = create_engine(restored.after.url)
    with owner.connect() as connection, pytest.raises(ProgrammingError, match=r"append-only|permission denied"):
        connection.execute(change)
    owner.dispose()
    for role in ("origin", "replica"):
        with restored.after.admin.connect() as connection:
            connection.execute(text(f"set session_replication_role = {role}"))
            with pytest.raises(ProgrammingError, match="append-only"):
                connection.execute(change)


def test_an_owner_without_a_role_sees_no_interview(restored: Restored):
    engine = create_engine(restored.after.url)
    with engine.connect() as connection:
        assert not any(projects_in(connection, table) for table in FORCED_OF_PROJECT)
    engine.dispose()


@pytest.mark.parametrize("table", [*FORCED_OF_PROJECT, *UNFORCED])
def test_a_member_sees_their_own_projects_only(restored: Restored, table: str):
    world, engine = restored.people.world, create_engine(restored.after.url)
    with acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection:
        assert projects_in(connection, table) == {world.food}
    engine.dispose()


def test_a_member_finds_what_was_said_in_their_own_project(restored: Restored):
    """By the function of a role that sees everything."""
    world, engine = restored.people.world, create_engine(restored.after.url)
    find = text("select count(*) from welno.find_utterances(:project, array['질문'], '질문', 10, null, null, null)")
    with acting_as(engine, "welno_member", account_id=world.people["jun"]) as connection:
        found = {name: connection.execute(find, {"project": name}).scalar_one() for name in (world.food, world.secret)}
    engine.dispose()
    assert found == {world.food: 1, world.secret: 0}


def test_it_is_rehearsed_beside_the_database(restored: Restored):
    restored.before.run(REHEARSE, restored.folder)
    schemas = [restored.before.schema(restored.folder, name) for name in ("welno", "welno_rehearsal")]
    assert schemas[0] == schemas[1]


def test_the_owner_makes_no_backup_and_the_login_of_the_backups_changes_nothing(restored: Restored):
    """Why there are two."""
    with pytest.raises(AssertionError, match="affected by row-level security policy"):
        restored.before.run("pg_dump --format=custom --file=of_the_owner.dump welno", restored.folder, login=LOGIN)
    change = "psql --set=ON_ERROR_STOP=1 --dbname=welno --command='delete from welno.interviews'"
    with pytest.raises(AssertionError, match="permission denied"):
        restored.before.run(change, restored.folder, login=BACKUP)


def test_without_a_new_epoch_readers_would_be_told_what_is_lost(restored: Restored):
    """By Redis, which knows more than the database: why the page begins one before any process starts."""
    assert {name: page.events[-1].position for name, page in restored.believed.items()} == restored.lost


@contextmanager
def sockets_of(people: People, url: str, lost: Mapping[str, Position]) -> Iterator[dict[str, ClientConnection]]:
    """Of readers who come back with the place that they had in the lost life."""

    def place(name: str) -> str:
        return f"{lost[name].epoch}:{lost[name].seq}"

    ways = {
        "collection": (f"/api/v1/tilko/ws/{people.collecting.session_id}", people.collecting.bearer),
        "patient": ("/ws/patient-journey/", people.patient),
        "queue": (f"/ws/queue/{people.queue_id}/", people.patient),
        "thread": ("/ws/threads", people.nurse.headers),
    }
    with ExitStack() as opened:
        sockets = {}
        for name, (path, headers) in ways.items():
            address = f"{url.replace('http', 'ws', 1)}{path}?after_seq={place(name)}"
            sockets[name] = opened.enter_context(connect(address, proxy=None, additional_headers=headers))
        subscribe = {"type": "subscribe", "threadId": people.talk.id, "after": place("thread")}
        sockets["thread"].send(json.dumps(subscribe))
        yield sockets


def hear(socket: ClientConnection, timeout: float = WAIT_SECONDS) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(socket.recv(timeout=timeout))
    return frame


def hear_up_to(socket: ClientConnection, last: int) -> Iterator[tuple[str, int]]:
    """Epoch and number of each event up to this one, and of what comes in the moment after it."""
    number = 0
    while number != last:
        frame = hear(socket)
        number = frame["seq"]
        yield frame["epoch"], number
    with suppress(TimeoutError):
        frame = hear(socket, 0.2)
        yield frame["epoch"], frame["seq"]


# From here on the new life is lived.
def test_who_comes_back_is_told_once_to_start_anew_and_then_everything_once(restored: Restored):
    people = restored.people
    begins = {name: page.position.seq for name, page in pages_of(people).items()} | {"thread": 0}  # told from its start
    env = restored.env | {"DATABASE_URL": restored.after.url}
    with (
        WebServer(env, restored.folder / "web.log") as server,
        sockets_of(people, server.url, restored.lost) as sockets,
    ):
        greetings = {name: [hear(sockets[name])["type"] for _ in kinds] for name, kinds in GREETINGS.items()}
        assert greetings == GREETINGS
        restored.lost_people.act(1, "late")  # a process that nobody stopped, on the database of before
        people.act(1, "new")
        restored.lost_people.act(1, "late")
        for name, socket in sockets.items():
            last = read_page(people.app, people.subjects[name]).position.seq
            numbers = range(begins[name] + 1, last + 1)
            assert list(hear_up_to(socket, last)) == [(restored.epoch, number) for number in numbers], name


def test_no_number_of_the_lost_life_is_taken_for_one_of_the_new(restored: Restored):
    people, lost = restored.people, restored.lost
    gone = {name: read_page(people.app, subject, lost[name]) for name, subject in people.subjects.items()}
    assert all(page.gone and page.events == [] for page in gone.values())
    people.act(LOST, "new")
    here = parts(people.app).stores
    for name, subject in people.subjects.items():
        begin, end = gone[name].position, read_page(people.app, subject).position
        assert end.seq >= lost[name].seq  # given again
        told = read_page(people.app, subject, begin).events
        assert [event.position for event in told] == [
            Position(restored.epoch, number) for number in range(begin.seq + 1, end.seq + 1)
        ]
        assert read_page(people.app, subject, lost[name]).gone
        assert {event.epoch for event in here.streams.read_after(subject, 0).events} == {restored.epoch}
