"""Measures what it costs to keep identities and results sealed in PostgreSQL, beside the same in clear: reading the
records of a person, writing them, and finding people by phone (plain index, blind index).

    python -m dev.bench.at_rest --patients 20000 --records 200 --rounds 15

Both forms take turns. Prints a table and, as the last line, the same figures as JSON.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg2

from dev.bench.at_rest.tables import Plain, Sealed, invent_people, invent_records, make_tables
from dev.bench.cpu_time import cpu_spent_exactly
from dev.bench.results import Metrics, Results
from dev.bench.temporary_stack import open_stack

_SEARCHES = 200
_OTHERS_WITH_RECORDS = 20
_BATCH = 1000
_SIZE = "select pg_total_relation_size('bench.{form}_patients'), pg_total_relation_size('bench.{form}_records')"


@dataclass
class Times:
    """Of one form: milliseconds of the clock, and of this process' CPU, by what was done."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, what: str, work: Callable[[], object], *, times: int = 1) -> None:
        """`times`: how many `work` does; the figures are of one."""
        started = time.perf_counter()
        with cpu_spent_exactly(os.getpid()) as spent:
            work()
        self.wall.setdefault(what, []).append((time.perf_counter() - started) * 1000 / times)
        self.cpu.setdefault(what, []).append(spent[0] * 1000 / times)

    def medians(self) -> Metrics:
        wall = {f"{what}_ms": median(values) for what, values in self.wall.items()}
        return wall | {f"{what}_cpu_ms": median(values) for what, values in self.cpu.items()}


def measure_forms(url: str, *, patients: int, records: int, rounds: int) -> dict[str, Metrics]:
    """By the name of the form."""
    forms: tuple[Plain | Sealed, ...] = (Plain(), Sealed())
    people, documents = invent_people(patients), invent_records(records)
    somebody, phones = people[0][0], [one.phone_no for _, one in people]
    times = {form.name: Times() for form in forms}
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        make_tables(cursor)
        for form in forms:
            _fill(cursor, form, people, documents)
        connection.commit()
        _settle(connection)
        for number in range(rounds):
            for form in forms if number % 2 else reversed(forms):
                _measure_round(cursor, form, times[form.name], somebody, documents, random.Random(number), phones)
                connection.rollback()
        sizes = {form.name: _sizes(cursor, form.name, patients, records) for form in forms}
    return {form.name: times[form.name].medians() | sizes[form.name] for form in forms}


def _fill(
    cursor: Any, form: Plain | Sealed, people: Sequence[tuple[UUID, Any]], documents: Sequence[dict[str, Any]]
) -> None:
    for start in range(0, len(people), _BATCH):
        form.write_patients(cursor, people[start : start + _BATCH])
    for uuid, _ in people[: _OTHERS_WITH_RECORDS + 1]:
        form.write_records(cursor, uuid, documents)


def _settle(connection: Any) -> None:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")
    connection.autocommit = False


def _measure_round(
    cursor: Any,
    form: Plain | Sealed,
    times: Times,
    somebody: UUID,
    documents: Sequence[dict[str, Any]],
    dice: random.Random,
    phones: Sequence[str],
) -> None:
    wanted = [dice.choice(phones) for _ in range(_SEARCHES)]

    def search_all() -> None:
        for phone in wanted:
            assert len(form.find(cursor, phone)) == 1

    def read_all() -> None:
        assert len(form.read_records(cursor, somebody)) == len(documents)

    times.measure("read_records", read_all)
    times.measure("search_by_phone", search_all, times=_SEARCHES)
    times.measure("write_records", lambda: form.write_records(cursor, uuid4(), documents))


def _sizes(cursor: Any, form: str, patients: int, records: int) -> Metrics:
    cursor.execute(_SIZE.format(form=form))
    of_patients, of_records = cursor.fetchone()
    rows = records * min(_OTHERS_WITH_RECORDS + 1, patients)
    return {"bytes_per_patient": of_patients / patients, "bytes_per_record": of_records / rows}


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.at_rest", description=__doc__)
    parser.add_argument("--patients", type=int, default=20_000, help="people among whom one is searched for")
    parser.add_argument("--records", type=int, default=200, help="records that are read and written at once")
    parser.add_argument("--rounds", type=int, default=15, help="of each form, in turn; their median counts")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    results = Results("at_rest", vars(options))
    print(f"at rest: {options.records} records of a person, {options.patients} people, {options.rounds} rounds")
    with open_stack(within=Path(tempfile.gettempdir())) as servers:
        found = measure_forms(servers.postgres.url, **vars(options))
    results.add_table("forms", found, prefixes=("read", "search", "write"))
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
