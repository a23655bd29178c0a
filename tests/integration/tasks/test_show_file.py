"""The operator's command that prints one file, and is seen doing so."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from core.clock import Clock
from core.sealing import Sealer
from services.patients.pseudonyms import PseudonymOf, pseudonym_of
from spool import AnswerKind, DataType, KeptAnswer, Metadata, Package, Spool
from tests.integration.commands import Ended, run_command
from tests.tables import delete_all_rows

KEY = bytes(range(32))
SESSION, PATIENT = "3f9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c", UUID("0c9c1a2b-0d4e-4f6a-8b7c-9d0e1f2a3b4c")
WHY = ("--by", "op-1", "--reason", "a file that fails")
Show = Callable[..., Ended]


def written(**keys: bytes) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in keys.items())


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path, Sealer({"now": KEY}), Clock())
    spool.ensure_folders()
    return spool


@pytest.fixture
def name(spool: Spool) -> str:
    metadata = Metadata(SESSION, DataType.HEALTH, str(PATIENT), "PEERNINE", datetime(2026, 11, 21, tzinfo=UTC))
    return spool.put_pending(Package(metadata, {"신장": "171.3"}))


@pytest.fixture
def show(tmp_path: Path, engine: Engine, demo_env: dict[str, str], postgres_url: str) -> Iterator[Show]:
    def call(*arguments: str, keys: str = written(now=KEY)) -> Ended:
        own = {"DATABASE_URL": postgres_url, "TILKO_DATA_DIR": str(tmp_path), "WELNO_SEALING_KEYS": keys}
        return run_command("tasks.show_file", *arguments, env=demo_env | own)

    yield call
    with engine.begin() as connection:
        delete_all_rows(connection)


def looks(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("select count(*) from welno.welno_access_log where what = 'file'")).scalar_one()


def test_a_file_is_printed_as_its_document_and_the_look_is_written_down(name: str, show: Show, engine: Engine):
    shown = show(name, *WHY)
    assert (shown.status, shown.errors) == (0, "")
    document = json.loads(shown.output)
    assert document["raw_data"] == {"신장": "171.3"}
    assert document["metadata"]["session_id"] == SESSION
    assert len(document["checksum"]) == 64
    assert looks(engine) == 1


def test_nothing_is_printed_while_the_look_cannot_be_written_down(name: str, show: Show, engine: Engine):
    change = "alter table welno.welno_access_log {} constraint full_now {}"
    with engine.begin() as connection:
        connection.execute(text(change.format("add", "check (seq < 0) not valid")))
    shown = show(name, *WHY)
    with engine.begin() as connection:
        connection.execute(text(change.format("drop", "")))
    assert (shown.status, shown.output) == (1, "")


def test_a_damaged_file_is_not_printed(name: str, show: Show, tmp_path: Path, engine: Engine):
    (tmp_path / "pending" / name).write_bytes(b"torn")
    shown = show(name, *WHY)
    assert (shown.status, shown.output, shown.errors) == (1, "", "cannot show this file: truncated\n")
    assert looks(engine) == 0


def test_a_foreign_key_opens_nothing_and_a_replaced_one_still_does(name: str, show: Show):
    foreign = show(name, *WHY, keys=written(now=KEY[::-1]))
    assert (foreign.status, "sealed" in foreign.errors) == (1, True)
    assert show(name, *WHY, keys=written(newer=KEY[::-1], now=KEY)).status == 0


def test_unknown_files_and_no_reason_are_wrong_use(name: str, show: Show):
    assert show("../etc/passwd", *WHY).status == 2
    assert show(name.replace("health", "patient"), *WHY).status == 2
    assert show(name, "--by", "op-1").status == 2


CONSENT = """
    insert into welno.welno_consents
        (session_id, kind, claimed_uuid, text_version, text_sha256, given_at, expires_at)
    values (:session, 'service', :claimed, '1', '', now(), now() + interval '1 year')
"""


def test_a_look_at_a_parked_answer_is_about_its_person_when_its_run_has_gone(
    spool: Spool, show: Show, engine: Engine, demo_env: dict[str, str]
):
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"torn"))
    spool.park_incoming(SESSION, AnswerKind.HEALTH, "damaged_truncated")
    [parked] = (path.name for path in (spool.storage.root / "failed").glob("*.raw"))
    with engine.begin() as connection:
        connection.execute(text(CONSENT), {"session": SESSION, "claimed": PATIENT})
    assert show(parked, *WHY).status == 0
    subject = pseudonym_of(demo_env["WELNO_PSEUDONYM_KEY"], PseudonymOf.PATIENT, PATIENT)
    with engine.connect() as connection:
        query = text("select subject from welno.welno_access_log where what = 'file'")
        assert connection.execute(query).scalars().all() == [subject]


@pytest.mark.parametrize(
    "why", [("--by", "op-1", "--reason", ""), ("--by", "op-1", "--reason", "    .    "), ("--by", " ", *WHY[2:])]
)
def test_what_says_nothing_is_no_reason(name: str, show: Show, why: tuple[str, ...], engine: Engine):
    shown = show(name, *why)
    assert (shown.status, shown.output, "characters are needed" in shown.errors) == (2, "", True)
    assert looks(engine) == 0
