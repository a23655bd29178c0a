"""The bench of sealing at rest: both forms hold the same, and the sealed one holds nothing in clear."""

from uuid import uuid4

import psycopg2
import pytest
from sqlalchemy import make_url

from dev.bench.at_rest.tables import Plain, Sealed, invent_people, invent_records, make_tables
from tests.integration.dev.bench.running import run_bench


def test_both_forms_are_measured_in_all_they_do():
    found = run_bench("dev.bench.at_rest", "--patients 30 --records 4 --rounds 2")["forms"]
    assert set(found) == {"plain", "sealed"}
    assert found["plain"].keys() == found["sealed"].keys()
    assert all(value >= 0 for form in found.values() for value in form.values())
    assert found["sealed"]["bytes_per_patient"] > 0


@pytest.mark.parametrize("form", [Plain(), Sealed()], ids=["plain", "sealed"])
def test_what_was_written_is_found_and_read(postgres_url: str, form: Plain | Sealed):
    people, records, patient = invent_people(5), invent_records(7), uuid4()
    connection = psycopg2.connect(
        make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    with connection.cursor() as cursor:
        make_tables(cursor)
        form.write_patients(cursor, people)
        form.write_records(cursor, patient, records)
        [found] = form.find(cursor, people[3][1].phone_no)
        assert (found.uuid, found.name, found.birth_date) == (people[3][0], "김하늘", "1984-05-17")
        assert form.find(cursor, "01099999999") == []
        assert form.read_records(cursor, patient) == records
        cursor.execute(f"select t::text from bench.{form.name}_patients t")
        assert any("김하늘" in row for (row,) in cursor) == (form.name == "plain")
    connection.rollback()
    connection.close()
