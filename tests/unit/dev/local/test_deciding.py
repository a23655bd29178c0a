"""What `local` decides without starting anything."""

import os
import stat

import pytest

from dev.local.child import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, choose_capability
from dev.local.errors import HomeInUseError, PortTakenError
from dev.local.home import hold_home
from dev.local.postgres import is_closed_to
from dev.local.process import open_log
from dev.local.programs import ORDER, Ports, Program, list_programs
from dev.local.restarts import Restarts
from dev.local.secrets import demo_environment, keep_secret


@pytest.mark.parametrize(
    ("permitted", "chosen"),
    [(0b111, CAP_DAC_READ_SEARCH), (0b110, CAP_DAC_READ_SEARCH), (0b011, CAP_DAC_OVERRIDE), (0, None)],
)
def test_least_capability_is_chosen(permitted, chosen):
    assert choose_capability(permitted) == chosen


def test_restarts_come_with_growing_bounded_delays():
    restarts = Restarts()
    restarts.note_start(0)
    assert [restarts.note_death(1) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_restart_is_due_after_its_delay_only():
    restarts = Restarts()
    restarts.note_start(0)
    assert not restarts.is_due(1)
    restarts.note_death(1)
    assert not restarts.is_due(1.4)
    assert restarts.is_due(1.5)


def test_long_life_forgives_old_failures():
    restarts = Restarts(failures=5)
    restarts.note_start(0)
    assert restarts.note_death(60) == 0.5


def test_ports_follow_the_first():
    assert Ports.counted_from("9100") == Ports(web=9100, sandbox=9101, flower=9102, postgres=9103, valkey=9104)


@pytest.mark.parametrize("first", ["", "x", "0", "-5", "65532", "80.5"])
def test_first_port_that_is_none_is_refused(first):
    with pytest.raises(PortTakenError, match="WELNO_PORT"):
        Ports.counted_from(first)


def test_every_program_is_listed_in_order(tmp_path):
    programs = list_programs(tmp_path, Ports(1, 2, 3))
    assert tuple(programs) == ORDER
    assert programs["web"].health_url == "http://127.0.0.1:1/readyz"
    assert programs["sandbox"].health_url == "http://127.0.0.1:2/control/health"
    assert programs["flower"].health_url == "http://127.0.0.1:3/healthcheck"


def test_program_without_address_has_no_health_url():
    assert Program("beat", ("true",)).health_url is None


def test_secret_is_kept_and_for_its_owner_alone(tmp_path):
    secret = keep_secret(tmp_path, "jwt_secret")
    assert len(secret) >= 32
    assert keep_secret(tmp_path, "jwt_secret") == secret
    assert stat.S_IMODE((tmp_path / "secrets" / "jwt_secret").stat().st_mode) == 0o600


def test_environment_of_the_demo_wins_over_the_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("TILKO_API_KEY", "of the shell")
    monkeypatch.setenv("WELNO_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("PGOPTIONS", "-c role=someone")
    env = demo_environment(tmp_path, database_url="d", redis_url="r", sandbox_port=2, web_port=1, flower_port=3)
    assert env["TILKO_API_KEY"] != "of the shell"
    assert env["WELNO_LOG_LEVEL"] == "DEBUG"
    assert "PGOPTIONS" not in env
    assert env["WELNO_ALLOWED_ORIGINS"] == "http://127.0.0.1:1,http://localhost:1"


def test_origins_of_the_shell_are_added(tmp_path, monkeypatch):
    monkeypatch.setenv("WELNO_ALLOWED_ORIGINS", "http://127.0.0.1:9000")
    env = demo_environment(tmp_path, database_url="d", redis_url="r", sandbox_port=2, web_port=1, flower_port=3)
    assert env["WELNO_ALLOWED_ORIGINS"] == "http://127.0.0.1:1,http://localhost:1,http://127.0.0.1:9000"


def test_home_is_held_by_one_at_a_time(tmp_path):
    with hold_home(tmp_path), pytest.raises(HomeInUseError, match="WELNO_HOME"), hold_home(tmp_path):
        pass
    with hold_home(tmp_path):
        pass


def test_big_log_is_put_aside_at_the_start(tmp_path):
    path = tmp_path / "web.log"
    path.write_bytes(b"x" * (6 * 2**20))
    open_log(path).close()
    assert path.stat().st_size == 0
    assert (tmp_path / "web.log.1").stat().st_size == 6 * 2**20


def test_closed_folder_on_the_way_is_noticed(tmp_path):
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    assert is_closed_to(os.geteuid() + 1, os.getegid() + 1, inner)
