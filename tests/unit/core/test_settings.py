"""How settings are read: typed, in groups, from variables or files; every fault named at once."""

import base64
from collections import Counter
from pathlib import Path

import pytest
from limits import parse_many

from core.settings import RelaySettings, Settings, SettingsError
from core.settings.reading import declared_variables
from tests.unit.guards.test_names import ENVIRONMENT

KEY = ENVIRONMENT["WELNO_SEALING_KEYS"]


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ENVIRONMENT.items() if name not in names}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "value"


def test_each_variable_is_declared_once():
    assert {name: count for name, count in Counter(one.name for one in declared_variables()).items() if count > 1} == {}


def test_a_group_alone_has_the_defaults_of_the_environment():
    assert Settings.read(ENVIRONMENT).relay == RelaySettings()


def test_every_fault_is_named_at_once():
    wrong = {"WELNO_LEASE_SECONDS": "soon", "WELNO_FOO": "1", "WELNO_COOKIE_SECURE": "maybe"}
    with pytest.raises(SettingsError) as raised:
        Settings.read(without("REDIS_URL") | wrong)
    for name in ("REDIS_URL", *wrong):
        assert f"{name}: " in str(raised.value)


def test_no_fault_repeats_a_value():
    told = "".join(_fault(variable.name, "s3cr3t") for variable in declared_variables())
    assert "s3cr3t" not in told


def _fault(name: str, value: str) -> str:
    try:
        Settings.read(ENVIRONMENT | {name: value})
    except SettingsError as exc:
        return str(exc)
    return ""


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "MEDIARC_API_URL"])
def test_an_address_may_come_from_a_file(name: str, file: Path):
    file.write_text(ENVIRONMENT[name] + "\n", encoding="utf-8")
    assert Settings.read(without(name) | {f"{name}_FILE": str(file)}) == Settings.read(ENVIRONMENT)


def test_a_value_and_a_file_for_it_contradict_each_other(file: Path):
    file.write_text(ENVIRONMENT["REDIS_URL"], encoding="utf-8")
    with pytest.raises(SettingsError, match=r"REDIS_URL: .*REDIS_URL_FILE"):
        Settings.read(ENVIRONMENT | {"REDIS_URL_FILE": str(file)})


def test_a_file_that_is_not_there_is_named(file: Path):
    with pytest.raises(SettingsError, match=r"^TILKO_API_KEY: "):
        Settings.read(without("TILKO_API_KEY") | {"TILKO_API_KEY_FILE": str(file)})


def test_a_file_for_what_is_no_secret_is_unknown(file: Path):
    with pytest.raises(SettingsError, match="WELNO_LOG_LEVEL_FILE: unknown"):
        Settings.read(ENVIRONMENT | {"WELNO_LOG_LEVEL_FILE": str(file)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WELNO_LEASE_SECONDS", "nan"),
        ("WELNO_LEASE_SECONDS", "-1"),
        ("WELNO_STEP_MAX_ATTEMPTS", "2.5"),
        ("WELNO_FILE_RETRY_DELAYS_SECONDS", "60,,x"),
        ("WELNO_FILE_RETRY_DELAYS_SECONDS", "0"),
        ("WELNO_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://127.0.0.1/none"),
        ("TILKO_DATA_DIR", " "),
        ("TILKO_BASE_URL", "http://api.tilko.net"),
        ("MEDIARC_API_URL", "ftp://127.0.0.1/predict"),
        ("WELNO_ALLOWED_ORIGINS", "*"),
        ("WELNO_ALLOWED_ORIGINS", "https://app.example.com/"),
        ("WELNO_ALLOWED_ORIGINS", "https://App.example.com"),
        ("WELNO_ALLOWED_ORIGINS", "app.example.com"),
        ("WELNO_START_LIMIT", "often"),
        ("WELNO_START_LIMIT", "5 per fortnight"),
        ("WELNO_JWT_SECRET", "short"),
        ("WELNO_JWT_SECRET", "abcabc" * 8),
        ("WELNO_SEALING_KEYS", "k:AAAA"),
        ("WELNO_SEALING_KEYS", "k:no base64"),
        ("WELNO_SEALING_KEYS", f"k:{base64.b64encode(bytes(32)).decode()}"),
        ("WELNO_SEALING_KEYS", f"{KEY},{KEY}"),
        ("WELNO_SEALING_KEYS", f"{KEY},again{KEY}"),
        ("WELNO_SEALING_KEYS", f"é{KEY}"),
        ("WELNO_SEALING_KEYS", "k" * 64 + KEY),
        ("WELNO_SEALING_KEYS", ""),
    ],
)
def test_a_wrong_value_stops_the_start_by_name(name: str, value: str):
    with pytest.raises(SettingsError, match=f"^{name}: "):
        Settings.read(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WELNO_PSEUDONYM_KEY", ENVIRONMENT["WELNO_JWT_SECRET"]),
        ("WELNO_JWT_SECRET", KEY.partition(":")[2]),
    ],
)
def test_one_secret_is_not_used_for_two_things(name: str, value: str):
    with pytest.raises(SettingsError, match="different"):
        Settings.read(ENVIRONMENT | {name: value})


@pytest.mark.parametrize("limit", ["30 per hour", "5/10 minutes", "1 per second; 100 per 2 days"])
def test_a_limit_that_is_taken_is_understood_later(limit: str):
    assert parse_many(Settings.read(ENVIRONMENT | {"WELNO_START_LIMIT": limit}).web.start_limit)


def test_the_database_is_reached_by_one_driver_however_it_is_written():
    urls = ("postgresql://db.example.com/welno", "postgresql+psycopg2://db.example.com/welno")
    read = {Settings.read(ENVIRONMENT | {"DATABASE_URL": url}).stores.database_url for url in urls}
    assert read == {urls[1]}
