"""What is removed of SMART Health Links: in batches, and nothing under the hands of whoever opens one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from services.delivery.unit_of_work import Work
from services.shl.errors import LinkNotFound
from services.shl.links import list_links
from services.shl.opening import LinkRecipient, give_manifest
from services.shl.retention import (
    delete_fetches,
    delete_files,
    delete_links,
    delete_locations,
    find_too_many_fetches,
)
from tests.query_plans import read_whole
from webapp.current import parts

from .conftest import Doctor, Links
from .test_links import soon

Unit = Callable[..., Any]


@pytest.fixture
def unit(app: Flask) -> Unit:
    """One call of a service in a transaction of its own."""

    def run(function: Callable[..., Any], *args: Any) -> Any:
        with parts(app).stores.unit_of_work() as work:
            return function(work.session, *args)

    return run


def age(engine: Engine, interval: str = "0") -> None:
    """The time of each link that has an end was over so long ago."""
    with engine.begin() as connection:
        query = "update welno.welno_shl set expires_at = now() - cast(:ago as interval) where expires_at is not null"
        connection.execute(text(query), {"ago": interval})


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        counted: int = connection.execute(text(f"select count(*) from welno.{table}")).scalar_one()
        return counted


def test_files_go_when_the_time_is_over_and_the_link_after_its_days(links: Links, engine: Engine, unit: Unit):
    links.make(exp=soon())
    links.make()
    assert unit(delete_files, clock.now(), 10) == 0
    age(engine)
    assert unit(delete_files, clock.now(), 10) == 1
    assert unit(delete_links, clock.now(), 90, 10) == 0
    assert [(one["state"], len(one["files"])) for one in links.listed()] == [("active", 1), ("expired", 0)]
    age(engine, "91 days")
    assert unit(delete_links, clock.now(), 90, 10) == 1
    assert [one["state"] for one in links.listed()] == ["active"]


def test_no_batch_is_larger_than_its_limit(links: Links, doctor: Doctor, engine: Engine, unit: Unit):
    for _ in range(3):
        doctor.manifest(links.make(exp=soon()), embeddedLengthMax=0)
    age(engine, "91 days")
    later = clock.now() + timedelta(hours=2)
    assert [unit(delete_locations, later, 2) for _ in range(2)] == [2, 1]
    assert [unit(delete_files, later, 2) for _ in range(3)] == [2, 1, 0]
    assert [unit(delete_links, later, 90, 2) for _ in range(2)] == [2, 1]
    assert count(engine, "welno_shl_fetches") == 0


@pytest.mark.parametrize("how", ["share", "update"])
def test_a_link_that_somebody_has_open_keeps_its_files_until_the_next_time(
    links: Links, engine: Engine, unit: Unit, how: str
):
    links.make(exp=soon())
    age(engine, "91 days")
    with engine.connect() as reader:
        reader.execute(text(f"select id from welno.welno_shl for {how}"))
        assert [unit(delete_files, clock.now(), 10), unit(delete_links, clock.now(), 90, 10)] == [0, 0]
    assert unit(delete_files, clock.now(), 10) == 1


def test_a_location_that_somebody_takes_is_left_to_them(links: Links, doctor: Doctor, engine: Engine, unit: Unit):
    doctor.manifest(links.make(), embeddedLengthMax=0)
    later = clock.now() + timedelta(hours=2)
    with engine.connect() as taker:
        taker.execute(text("select 1 from welno.welno_shl_locations for update"))
        assert unit(delete_locations, later, 10) == 0
    assert unit(delete_locations, later, 10) == 1


def test_a_link_whose_files_went_before_the_manifest_was_read_is_not_found(links: Links, engine: Engine, unit: Unit):
    path, asked_at = links.make(exp=soon()), clock.now()

    def read_manifest(session: Session) -> object:
        recipient, link_id = LinkRecipient("x", None), path.rpartition("/")[2]
        holds = timedelta(minutes=10)
        return give_manifest(session, link_id, recipient, asked_at, embedded_max=None, location_holds=holds)

    assert unit(read_manifest)[1] != []
    assert unit(delete_files, asked_at + timedelta(hours=2), 10) == 1
    with pytest.raises(LinkNotFound):
        unit(read_manifest)


def test_of_who_came_the_newest_thousand_are_kept(links: Links, engine: Engine, unit: Unit):
    full, other = sorted(links.make().rpartition("/")[2] for _ in range(2))
    query = """
        insert into welno.welno_shl_fetches (id, link_id, kind, recipient, at)
        select gen_random_uuid(), :id, 'manifest', 'x', now() - n * interval '1 second' from generate_series(1, :n) n
    """
    with engine.begin() as connection:
        connection.execute(text(query), [{"id": full, "n": 1005}, {"id": other, "n": 1000}])
    found = unit(find_too_many_fetches, "", 10)
    assert found[other] is None
    assert [unit(delete_fetches, full, found[full], 3) for _ in range(3)] == [3, 2, 0]
    with engine.connect() as connection:
        oldest = "select extract(epoch from max(at) - min(at)), count(*) from welno.welno_shl_fetches group by link_id"
        assert [tuple(row) for row in connection.execute(text(oldest))] == [(999, 1000)] * 2


MANY = """
    insert into welno.welno_shl (id, patient_uuid, is_long_term, created_at)
    select 'link-' || n, :patient, false, now() from generate_series(1, 100) as n;
    insert into welno.welno_shl_fetches (id, link_id, kind, recipient, at)
    select gen_random_uuid(), 'link-' || 1 + n % 100, 'manifest', 'x', now() - n * interval '1 second'
    from generate_series(1, 60000) as n;
    analyze welno.welno_shl, welno.welno_shl_fetches
"""


def test_who_came_is_read_by_the_index_of_their_links(app: Flask, links: Links, engine: Engine):
    patient, now = links.person.patient_uuid, clock.now()
    assert patient is not None
    with engine.begin() as connection:
        connection.execute(text(MANY), {"patient": patient})
    sweeps: list[Callable[[Work], object]] = [
        lambda work: find_too_many_fetches(work.session, "", 10),
        lambda work: delete_fetches(work.session, "link-1", now, 10),
        lambda work: list_links(work.session, patient, now),
    ]
    assert [read_whole(parts(app).stores, sweep, {"welno_shl_fetches"}) for sweep in sweeps] == [set(), set(), set()]


def test_links_are_looked_through_in_pages(links: Links, unit: Unit):
    made = {links.make().rpartition("/")[2] for _ in range(3)}
    first = unit(find_too_many_fetches, "", 2)
    second = unit(find_too_many_fetches, list(first)[-1], 2)
    assert (len(first), {*first, *second}) == (2, made)
