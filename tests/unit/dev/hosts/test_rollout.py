"""What a rollout refuses, and the order in which it is done."""

from pathlib import Path

import pytest

from dev.hosts.errors import HostsError
from dev.hosts.haproxy import HaproxyAdmin
from dev.hosts.rollout import Rollout
from dev.local.programs import ROOT


@pytest.fixture
def rollout(tmp_path: Path) -> Rollout:
    """Over no hosts, with no haproxy."""
    return Rollout([], lambda *_: [], HaproxyAdmin(tmp_path / "admin.sock"))


def test_nothing_is_switched_to_before_it_is_there(rollout: Rollout):
    with pytest.raises(HostsError, match="start it with: green FOLDER"):
        rollout.switch()


def test_a_folder_without_a_release_is_refused(rollout: Rollout, tmp_path: Path):
    with pytest.raises(HostsError, match="holds no release"):
        rollout.start(tmp_path)


def test_there_is_no_third_release(rollout: Rollout):
    assert "runs beside blue" in rollout.start(ROOT)
    with pytest.raises(HostsError, match="there already"):
        rollout.start(ROOT)


def test_what_is_still_asked_is_not_stopped(rollout: Rollout):
    rollout.start(ROOT)
    with pytest.raises(HostsError, match="first: switch"):
        rollout.retire()
    rollout.switch()
    assert rollout.retire() == "blue is gone after 0 s"


def test_a_haproxy_that_is_away_is_told(tmp_path: Path):
    with pytest.raises(HostsError, match="haproxy does not answer"):
        HaproxyAdmin(tmp_path / "admin.sock").set_state("web-1", "drain")
