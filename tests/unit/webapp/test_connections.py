"""How many connections a process may hold, by its open files, and one address of them."""

import resource
from dataclasses import replace

import pytest

from core.settings import Settings
from tests.unit.guards.test_names import ENVIRONMENT
from webapp.connections import AddressTally, Capacity, OpenConnections, TooFewFilesError, fit_capacity, raise_open_files

SETTINGS = Settings.read(ENVIRONMENT)


def test_with_files_enough_the_settings_hold():
    assert fit_capacity(SETTINGS, 1_048_576) == Capacity(11_000, 400, 1_048_576 - 120)


@pytest.mark.parametrize("open_files", [256, 1024, 4096, 20_000])
def test_with_fewer_files_all_of_them_fit_and_some_are_left(open_files: int):
    fitting = fit_capacity(SETTINGS, open_files)
    assert fitting.connections >= 32
    assert 2 * fitting.connections <= fitting.files // 2
    assert fitting.files <= open_files - 100
    assert fitting.per_address <= fitting.connections // 4


def test_with_next_to_none_it_is_said_how_many_are_needed():
    with pytest.raises(TooFewFilesError, match="128 files and needs ") as raised:
        fit_capacity(SETTINGS, 128)
    needed = int(str(raised.value).partition("needs ")[2].partition(":")[0])
    assert fit_capacity(SETTINGS, needed).connections >= 32


def test_one_address_keeps_a_few_of_very_few():
    few = replace(SETTINGS, web=replace(SETTINGS.web, connections_total=32, connections_per_address=400))
    assert fit_capacity(few, 1_048_576).per_address == 8


def test_the_limit_is_raised_as_far_as_it_may_be():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        raised = raise_open_files()
        assert raised == raise_open_files() > 256
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (raised, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_and_sockets_share_what_there_is():
    sockets = 4
    counted = OpenConnections(10, lambda: sockets)
    assert [counted.take() for _ in range(4)] == [True, True, True, False]
    assert counted.sockets_that_fit() == 4
    counted.give_back()
    assert counted.sockets_that_fit() == 6
    sockets = 7
    assert not counted.take()


def test_an_address_that_gives_back_may_take_again():
    tally = AddressTally(2)
    assert [tally.take("a") for _ in range(3)] == [True, True, False]
    assert tally.take("b")
    tally.give_back("a")
    assert [tally.take("a") for _ in range(2)] == [True, False]
