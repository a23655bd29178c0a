"""Measures the importer: pending files into PostgreSQL, beside a plain COPY of the same rows into the same tables.

The database is the embedded one with its durable settings. Rows are those of checkups and prescriptions; a file of
each, and one of the patient, per session, as the sandbox invents them. A plain COPY knows nothing of files, of patients
or of rows that are there already: the second COPY, with a transaction per file, tells what of the distance is that.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from core.clock import Clock
from core.sealing import Sealer
from dev.bench.results import Metrics, medians
from dev.bench.sessions import invent_identity
from dev.bench.temporary_stack import open_stack
from dev.sandbox.checkups import build_checkups
from dev.sandbox.people import Person
from dev.sandbox.prescriptions import build_treatments
from services.collection.files import CollectedAnswer, CollectedData, packages_of
from services.collection.files_import import FileImporter
from services.collection.windows import checkup_window, treatment_window
from services.database import connect_database
from spool import KeptAnswer, Spool

_FILES_PER_SESSION = 3
_TABLES = ("welno.welno_checkup_data", "welno.welno_prescription_data")
_SEED, _TODAY = 7, date(2026, 11, 21)


@dataclass(frozen=True)
class TableCopy:
    """Rows of one table, in the form that COPY takes."""

    table: str
    data: bytes


def measure_imports(files: int, rounds: int, folder: Path) -> Metrics:
    """Medians of the rounds; each begins with empty tables and a new spool in `folder`."""
    with open_stack(within=folder) as servers, _engine(servers.postgres.url) as engine:
        _measure_round(engine, servers.home, _FILES_PER_SESSION)  # connections, compiled statements
        return medians([_measure_round(engine, servers.home, files) for _ in range(rounds)])


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = connect_database(url, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()


def _measure_round(engine: Engine, home: Path, files: int) -> Metrics:
    _execute(engine, "truncate welno.welno_patients cascade")
    with tempfile.TemporaryDirectory(dir=home) as folder:
        spool = Spool(Path(folder), Sealer({"bench": b"k" * 32}), Clock())
        spool.ensure_folders()
        sessions = [_put_session(spool, number) for number in range(max(1, files // _FILES_PER_SESSION))]
        importer = FileImporter(spool, sessionmaker(engine, expire_on_commit=False), Clock())
        imported = _time(engine, lambda: _import_all(importer, sessions))
    whole = [_read(engine, table, "") for table in _TABLES]
    pieces = [_read(engine, table, f"where session_id = '{session}'") for session in sessions for table in _TABLES]
    rows = _count(engine)
    copied = _time_copy(engine, whole, rows)
    piecewise = _time_copy(engine, pieces, rows)
    return {
        "import_rows": rows,
        "import_files_per_second": len(sessions) * _FILES_PER_SESSION / imported,
        "import_rows_per_second": rows / imported,
        "copy_rows_per_second": rows / copied,
        "copy_by_file_rows_per_second": rows / piecewise,
        "import_to_copy_ratio": copied / imported,
        "import_to_copy_by_file_ratio": piecewise / imported,
    }


def _put_session(spool: Spool, number: int) -> str:
    """The files of one invented person's session."""
    person = Person("김하늘", "19840517", f"010{number:08d}", "M")
    treatments = build_treatments(person, _SEED, _TODAY, _TODAY - timedelta(days=420), _TODAY)
    session_id, patient_uuid = uuid4(), uuid4()
    now = datetime.now(UTC)
    answers = [
        CollectedAnswer(KeptAnswer(_answer(rows)), now, window)
        for rows, window in (
            (build_checkups(person, _SEED, _TODAY), checkup_window(now)),
            (treatments, treatment_window(now)),
        )
    ]
    collected = CollectedData(session_id, patient_uuid, "PEERNINE", invent_identity(person.phone_no), *answers)
    for package in packages_of(collected, now):
        spool.put_pending(package)
    return str(session_id)


def _answer(rows: list[dict[str, Any]] | None) -> bytes:
    return orjson.dumps({"Status": "OK", "ErrorCode": 0, "ResultList": rows})


def _import_all(importer: FileImporter, sessions: Sequence[str]) -> None:
    for session_id in sessions:
        summary = importer.import_session(session_id, asks_consent=False)
        assert summary.is_complete
        assert len(summary.imported) == _FILES_PER_SESSION


def _time_copy(engine: Engine, copies: Sequence[TableCopy], rows: int) -> float:
    """Seconds of writing them into the emptied tables, each in a transaction of its own."""
    _execute(engine, f"truncate {', '.join(_TABLES)}")
    seconds = _time(engine, lambda: _write_all(engine, copies))
    assert _count(engine) == rows
    return seconds


def _time(engine: Engine, work: Callable[[], object]) -> float:
    # Whatever came before leaves no pages behind that this work would have to write.
    _execute(engine, "checkpoint")
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _read(engine: Engine, table: str, where: str) -> TableCopy:
    data = BytesIO()
    _with_cursor(engine, lambda cursor: cursor.copy_expert(f"copy (select * from {table} {where}) to stdout", data))
    return TableCopy(table, data.getvalue())


def _write_all(engine: Engine, copies: Sequence[TableCopy]) -> None:
    for copy in copies:
        write = partial(_copy_in, f"copy {copy.table} from stdin", BytesIO(copy.data))
        _with_cursor(engine, write)


def _copy_in(statement: str, data: BytesIO, cursor: Any) -> None:
    cursor.copy_expert(statement, data)


def _execute(engine: Engine, statement: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def _count(engine: Engine) -> int:
    counts = " + ".join(f"(select count(*) from {table})" for table in _TABLES)
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(f"select {counts}").scalar_one())


def _with_cursor(engine: Engine, work: Callable[[Any], object]) -> None:
    connection = engine.raw_connection()
    try:
        with closing(connection.cursor()) as cursor:
            work(cursor)
        connection.commit()
    finally:
        connection.close()
