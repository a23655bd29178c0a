"""From a population to its demand, its needs and its walls."""

from dataclasses import replace

import pytest

from dev.sizing import figures as of
from dev.sizing.demand import (
    CITY,
    CLINIC_CURVE,
    COUNTRY,
    HOME_CURVE,
    HOSPITALS,
    POPULATIONS,
    Population,
    find_demand,
    peak_hour_share,
)
from dev.sizing.needs import find_needs
from dev.sizing.walls import LEVERS, WALLS, Lever, Wall


@pytest.mark.parametrize("curve", [HOME_CURVE, CLINIC_CURVE])
def test_a_day_has_24_hours(curve: tuple[float, ...]):
    assert len(curve) == 24
    assert sum(curve) == pytest.approx(100)


def test_the_busiest_hour_is_a_share_of_the_day():
    assert peak_hour_share((1, 2, 1)) == 0.5


def test_a_city_collects_as_often_as_its_people_do():
    demand = find_demand(CITY)
    assert demand.yearly["collections"] == 600_000
    assert demand.yearly["queue_actions"] == 0


def test_a_hospital_acts_at_each_visit():
    demand = find_demand(HOSPITALS)
    assert demand.yearly["queue_actions"] == 24_000_000
    assert demand.yearly["analyses"] == 100_000


def test_the_peak_is_a_second_of_the_busiest_minutes():
    per_second = 600_000 / 365 * 3 * peak_hour_share(HOME_CURVE) * 2 / 3600
    assert find_demand(CITY).peak["collections"] == pytest.approx(per_second)


def test_what_stays_follows_littles_law():
    demand = find_demand(CITY)
    assert demand.waiting_phones == pytest.approx(demand.peak["collections"] * 40)
    assert demand.sockets == pytest.approx(demand.peak["collections"] * 600)


def test_the_country_asks_for_as_much_as_its_cities():
    assert find_demand(COUNTRY).peak == pytest.approx(find_demand(CITY).times(51).peak)


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda one: one.name)
def test_one_process_of_each_kind_may_die(population: Population):
    needs = find_needs(find_demand(population))
    assert min(needs.web - 1, needs.worker - 1, needs.interviews - 1, needs.poller - 1) >= 1
    assert needs.cores.web / (needs.web - 1) <= of.BUSY.value / 100
    assert needs.cores.worker / (needs.worker - 1) <= of.BUSY.value / 100


def test_workers_have_threads_for_all_calls_under_way():
    demand = find_demand(COUNTRY)
    assert (find_needs(demand).worker - 1) * 75 >= demand.calls_under_way


def test_sockets_ask_for_web_processes():
    demand = find_demand(HOSPITALS)
    crowded = replace(demand, sockets=demand.sockets + 100_000)
    assert find_needs(crowded).web - find_needs(demand).web == 20
    assert find_needs(crowded).app_memory_gib > find_needs(demand).app_memory_gib


def test_a_person_is_new_once():
    needs = find_needs(find_demand(CITY))
    new_people, fewer_records = 300_000, of.RECORDS_FIRST.value - of.LATER_RECORDS.value
    of_records = new_people * fewer_records * of.RECORD_BYTES.value / 1e6
    assert needs.first_year_gb - needs.later_year_gb == pytest.approx(of_records, rel=0.01)


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.name)
def test_a_wall_is_full_where_it_ends(wall: Wall):
    demand = find_demand(COUNTRY).times(1.0)
    times = wall.holds_times(demand)
    assert wall.used(demand.times(times)) <= 1 < wall.used(demand.times(times * 1.01))


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_a_lever_moves_its_wall(lever: Lever):
    demand = find_demand(COUNTRY)
    assert 0 < lever.used_after(demand) < lever.wall.used(demand)
