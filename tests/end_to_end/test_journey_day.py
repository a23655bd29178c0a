"""A patient's day through the demo hospital, over HTTP and WebSocket, with the socket cut in the middle."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev.demo.__main__ import find_patient
from dev.demo.day import BackupScenes, Day
from dev.local.demo import DEMO_SETTINGS, demo_hall_key, demo_password, seed_command
from dev.local.stack import Stack
from tests.plain_http import NO_TLS
from tests.stacks import run_stack


@pytest.fixture(scope="module")
def demo(migrated_home: Path) -> Iterator[Stack]:
    """As `make run` starts it: the hospital is there before anybody is served."""
    with run_stack(migrated_home, DEMO_SETTINGS, ("web", "worker", "sweeper")) as stack:
        yield stack


def walk(demo: Stack, kind: type[Day]) -> list[str]:
    told: list[str] = []
    password = demo_password(demo.home)
    day = kind(demo.web_url, password, told.append, find_patient(demo.web_url, password))
    try:
        day.walk()
    finally:
        day.close()
    return told


def test_a_patient_comes_waits_is_called_examined_pays_and_leaves(demo: Stack):
    told = walk(demo, Day)
    assert "once and in order" in told[-2]


def test_what_does_not_work_has_another_way(demo: Stack):
    assert [line.partition(":")[0] for line in walk(demo, BackupScenes)] == ["no NFC", "no socket", "no network"]


def test_the_demos_floors_have_four_layers_of_which_the_first_is_small(demo: Stack):
    for floor in (1, 2):
        answer = httpx.get(f"{demo.web_url}/api/v1/maps/{floor}/layers", verify=NO_TLS, trust_env=False)
        layers = answer.json()["layers"]
        assert [layer["name"] for layer in layers] == ["base", "rooms", "route", "labels"]
        assert layers[0]["bytes"] <= 0.3 * sum(layer["bytes"] for layer in layers)


def test_making_the_demo_again_changes_nothing_of_it(demo: Stack):
    """Also not who is where: whoever has gone home meanwhile is not put back."""
    before = (demo_password(demo.home), demo_hall_key(demo.home), find_patient(demo.web_url, demo_password(demo.home)))
    demo.run(seed_command(demo.home), "demo")
    after = (demo_password(demo.home), demo_hall_key(demo.home), find_patient(demo.web_url, demo_password(demo.home)))
    assert before == after
