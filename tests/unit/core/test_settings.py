"""How settings are read: typed, in groups, from variables or files; every fault named at once."""

import base64
from collections import Counter
from pathlib import Path
from string import ascii_letters

import pytest
from limits import parse_many
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from core.settings import RelaySettings, Settings, SettingsError, Variable
from core.settings.reading import declared_variables
from tests.push_browser import PUSH_KEY
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


@pytest.mark.parametrize("variable", [*declared_variables()], ids=lambda variable: variable.name)
def test_each_setting_may_come_from_a_file(variable: Variable, file: Path):
    value = ENVIRONMENT.get(variable.name, variable.default)
    assert value is not None
    file.write_text(f"{value}\n", encoding="utf-8")
    assert Settings.read(without(variable.name) | {variable.file_name: str(file)}) == Settings.read(ENVIRONMENT)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100_000, b"two\nlines", b""])
def test_a_file_that_holds_no_value_is_named(file: Path, content: bytes):
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^TILKO_API_KEY: "):
        Settings.read(without("TILKO_API_KEY") | {"TILKO_API_KEY_FILE": str(file)})


# For each setting what lies just outside of what is taken. Below, what no setting takes.
SECONDS = ("0.009", "2678400.1")
UP_TO_AN_HOUR = ("-0.1", "3600.1")
CALL = ("0.04", "901")
RATE = ("0 per hour", "5 per 0 minutes", "5 per fortnight", "99999999 per hour", "per hour")
API_KEY = ("a b", "é", "x" * 513)
SECRET = (ascii_letters[:31], ascii_letters * 10, "0" * 64, "abcdefgh" * 8, "é" * 40 + "abcdefgh")
HOST = (
    "https://",
    "https://h:0",
    "https://h:99999",
    "https://h:x",
    "https:///p",
    "http://h",
    "https://-",
    "https://h h",
)
URL = (*HOST, "https://h/?a=1", "https://h/#a", "https://u:p@h")
ORIGINS = (
    "*",
    "null",
    "h",
    "https://h/",
    "https://H",
    "https://h:443",
    "https://h:99999",
    "https://h:0443",
    "https://...",
)
REDIS = ("redis://", "redis://h:0", "redis://h:99999/0", "redis://h/x", "redis://h/-1", "http://h", "h:6379")
OUTSIDE: dict[str, tuple[str, ...]] = {
    "DATABASE_URL": (
        "postgresql://",
        "postgresql://h",
        "postgresql://h/",
        "postgresql://h:99999/d",
        "postgresql://h:x/d",
        "postgresql:///d",
        "postgresql://h/d d",
        "mysql://h/d",
        "postgresql://a,b/d",
        "postgresql://a,b/d?target_session_attrs=any",
        "postgresql://a,/d?target_session_attrs=read-write",
        "postgresql://a:1,b:0/d?target_session_attrs=read-write",
        "postgresql:///d?host=a,b",
        "postgresql:///d?host=a:1&host=b:2&target_session_attrs=primary",
        "h/d",
    ),
    "WELNO_DATABASE_POOL_SIZE": ("0", "201", "+5", "1_0", "１０"),
    "DATABASE_REPLICA_URL": (
        "postgresql://h",
        "postgresql://h:99999/d",
        "mysql://h/d",
        "postgresql://a,b/d",
        "postgresql://a,b/d?target_session_attrs=read-write",
        "postgresql://a,b/d?target_session_attrs=prefer-standby",
    ),
    "WELNO_REPLICA_MAX_LAG_SECONDS": ("0.9", "3600.1"),
    "REDIS_URL": (
        *REDIS,
        "redis://h/0?nonsense=1",
        "unix://",
        "sentinel://h:1;redis://h",
        "sentinel://h/0;sentinel://h/1",
        "sentinel://h:1?nonsense=1",
        "sentinel://h;sentinel://",
    ),
    "CELERY_BROKER_URL": (*REDIS, "foo", "memory://", "amqp://", "sentinel://h:1;http://h", "redis://h/0;"),
    "WELNO_LOG_KEEP_DAYS_SESSION": ("0", "3651"),
    "WELNO_ACCESS_LOG_KEEP_DAYS": ("0", "3651"),
    "WELNO_RUN_KEEP_DAYS": ("0", "3651"),
    "WELNO_STEP_KEEP_DAYS": ("0", "3651"),
    "TILKO_BASE_URL": URL,
    "TILKO_API_KEY": API_KEY,
    "TILKO_APPROVAL_CHECK": ("Auto", "none", "login-check"),
    "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS": CALL,
    "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS": CALL,
    "MEDIARC_API_URL": URL,
    "MEDIARC_API_KEY": API_KEY,
    "WELNO_MEDIARC_TIMEOUT_SECONDS": CALL,
    "MISO_API_URL": URL,
    "MISO_API_KEY": API_KEY,
    "MISO_AGENT_API_KEY": API_KEY,
    "MISO_KNOWLEDGE_API_KEY": API_KEY,
    "MISO_DATASET_ID": API_KEY,
    "WELNO_MISO_MODE": ("Blocking", "none"),
    "WELNO_MISO_TIMEOUT_SECONDS": ("0.04", "290.1", "1e2"),
    "WELNO_MISO_CHAT_SECONDS": ("0.04", "3600.1"),
    "WELNO_MISO_CHAT_SILENCE_SECONDS": ("0.04", "300.1"),
    "WELNO_MISO_CONTEXT_MAX_CHARS": ("999", "100001"),
    "WELNO_INTERVIEW_CONCURRENCY": ("0", "201"),
    "WELNO_SEALING_KEYS": ("k:AAAA", "k:", f"é{KEY}", "k" * 64 + KEY, f"{KEY},{KEY}", "no key"),
    "WELNO_JWT_SECRET": SECRET,
    "WELNO_PSEUDONYM_KEY": SECRET,
    "WELNO_PASSWORD_PEPPER": SECRET,
    "WELNO_STAFF_LOGIN_LIMIT": RATE,
    "WELNO_OPERATOR_IDLE_SECONDS": ("0.9", "3600.1"),
    "WELNO_DEMO": ("on", "2", "maybe"),
    "WELNO_DEMO_PEOPLE": ("/nowhere/at/all", "/"),
    "WELNO_CONTROLLER": (" ",),
    "WELNO_CONTROLLER_CONTACT": (" ",),
    "WELNO_CONSENT_VALID_DAYS": ("0", "3651"),
    "WELNO_BODY_WITHIN_SECONDS": ("0.09", "300.1"),
    "WELNO_ANSWER_WITHIN_SECONDS": ("0.09", "300.1"),
    "WELNO_CONNECTIONS_TOTAL": ("31", "1000001"),
    "WELNO_CONNECTIONS_PER_ADDRESS": ("7", "1000001"),
    "WELNO_BODY_LIMIT": RATE,
    "WELNO_ALLOWED_ORIGINS": ORIGINS,
    "WELNO_FLOWER_ORIGINS": ORIGINS,
    "WELNO_COOKIE_SECURE": ("on", "2", "maybe"),
    "WELNO_API_DOCS": ("on", "2", "maybe"),
    "WELNO_TRUSTED_PROXIES": ("-1", "6"),
    "WELNO_RELAY_HANDSHAKE_WITHIN_SECONDS": ("0", "61", "1.5"),
    "WELNO_PUSH_LIMIT": RATE,
    "WELNO_PUSH_PHONE_LIMIT": RATE,
    "WELNO_PASSWORD_LIMIT": RATE,
    "WELNO_RELAY_POLL_LIMIT": RATE,
    "WELNO_SESSION_TTL_SECONDS": SECONDS,
    "WELNO_SESSION_MAX_SECONDS": SECONDS,
    "WELNO_SOCKETS_PER_SESSION": ("0", "1001"),
    "WELNO_STREAM_AFTER_COMPLETED_SECONDS": UP_TO_AN_HOUR,
    "WELNO_POLL_INTERVAL_SECONDS": ("0.04", "61"),
    "WELNO_POLL_SLOW_MAX_SECONDS": ("0.04", "601"),
    "WELNO_APPROVE_WITHIN_SECONDS": SECONDS,
    "WELNO_PUSH_TAKEOVER_SECONDS": UP_TO_AN_HOUR,
    "WELNO_STEP_MAX_ATTEMPTS": ("0", "51"),
    "WELNO_STEP_RETRY_BASE_SECONDS": UP_TO_AN_HOUR,
    "WELNO_STEP_RETRY_MAX_SECONDS": UP_TO_AN_HOUR,
    "WELNO_CALL_MARGIN_SECONDS": SECONDS,
    "TILKO_DATA_DIR": (" ", __file__),
    "TILKO_DATA_URL": (
        "s3://",
        "s3://B",
        "https://bucket",
        "s3://bucket/../x",
        "s3://bucket//x",
        "s3://bucket?x",
        "s3://k:s@b",
    ),
    "TILKO_DATA_ENDPOINT": URL,
    "TILKO_DATA_TIMEOUT_SECONDS": ("0.09", "10.1"),
    "TILKO_DATA_MOVING": ("on", "2", "maybe"),
    "WELNO_FILE_RETRY_DELAYS_SECONDS": ("0", "1.5", "60,,x", "2678401", ",".join("1" * 21), "１"),
    "WELNO_FILE_RETRY_INTERVAL_SECONDS": SECONDS,
    "WELNO_FILE_ORPHAN_SECONDS": SECONDS,
    "WELNO_COMPLETED_KEEP_DAYS": ("6", "3651"),
    "WELNO_SOCKETS_PER_ADDRESS": ("0", "100001"),
    "WELNO_SOCKETS_PER_PERSON": ("0", "1001"),
    "WELNO_SOCKETS_TOTAL": ("0", "1000001"),
    "WELNO_RELAY_MESSAGE_IN_MAX_BYTES": ("1023", "16777217"),
    "WELNO_RELAY_MESSAGE_OUT_MAX_BYTES": ("66559", "16777217"),
    "WELNO_RELAY_MESSAGES_PER_MINUTE": ("0", "100001"),
    "WELNO_RELAY_CONTROLS_PER_MINUTE": ("0", "100001"),
    "WELNO_RELAY_QUEUE_MAX_BYTES": ("65535", "1073741825"),
    "WELNO_RELAY_ADMIT_WITHIN_SECONDS": SECONDS,
    "WELNO_RELAY_PING_EVERY_SECONDS": SECONDS,
    "WELNO_RELAY_PONG_WITHIN_SECONDS": SECONDS,
    "WELNO_RELAY_WRITE_WITHIN_SECONDS": SECONDS,
    "WELNO_RELAY_CLOSE_WITHIN_SECONDS": SECONDS,
    "WELNO_RELAY_CHECK_EVERY_SECONDS": ("0.009", "61"),
    "WELNO_RELAY_IDLE_SECONDS": SECONDS,
    "WELNO_RELAY_DRAIN_SPREAD_SECONDS": UP_TO_AN_HOUR,
    "WELNO_RELAY_SSE_COMMENT_SECONDS": SECONDS,
    "WELNO_RELAY_POLL_MAX_SECONDS": UP_TO_AN_HOUR,
    "WELNO_RELAY_POSITION_CHECK_SECONDS": SECONDS,
    "WELNO_JOURNEY_V2": ("on", "2", "maybe"),
    "WELNO_HOSPITAL_TIME_ZONE": ("Seoul", "", "/etc/passwd", "../UTC"),
    "WELNO_HOSPITAL_NETWORKS": ("203.0.113.1/24", "hospital", "203.0.113.0/33"),
    "WELNO_DAY_CLOSE_AT": ("24:00", "9:00", "23:60", "23"),
    "WELNO_NO_SHOW_LIMIT": ("0", "101"),
    "WELNO_NO_SHOW_AFTER_SECONDS": ("0", "86401"),
    "WELNO_OVERTAKE_LIMIT": ("0", "1001"),
    "WELNO_ALLOW_SELF_REGISTRATION": ("on", "2", "maybe"),
    "WELNO_STAFF_REASON_REQUIRED": ("on", "2", "maybe"),
    "WELNO_LOGIN_NEEDS_PRESENCE": ("on", "2", "maybe"),
    "WELNO_LOGIN_FAILURES_DATE": RATE,
    "WELNO_LOGIN_FAILURES_ADDRESS": RATE,
    "WELNO_TAG_ALERT": RATE,
    "EMR_API_URL": URL,
    "WELNO_PUSH_HOSTS": ("https://push.example", "push.example/a", "*", "A.example", ",".join(["a.example"] * 65)),
    "WELNO_PUSH_CA_FILE": ("/nowhere/at/all", "/"),
    "WELNO_PUSH_KEY": ("A" * 43, "A" * 42 + "=", "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM9", "_" * 43, "key"),
    "WELNO_LOG_KEEP_DAYS_PATIENT": ("0", "3651"),
    "WELNO_LOG_KEEP_DAYS_QUEUE": ("0", "3651"),
    "WELNO_LOG_KEEP_DAYS_EXAM": ("0", "3651"),
    "WELNO_LOG_KEEP_DAYS_HALL": ("0", "3651"),
    "WELNO_LOG_KEEP_DAYS_PROJECT": ("0", "3651"),
    "WELNO_INTERVIEW_KEEP_DAYS": ("0", "3651"),
    "WELNO_THREADS_PAYLOAD_MAX_BYTES": ("1023", "40961"),
    "WELNO_THREADS_BATCH_MAX": ("0", "101"),
    "WELNO_THREADS_RATE": RATE,
    "WELNO_THREADS_ACT_LIMIT": RATE,
    "WELNO_THREADS_CREATE_LIMIT": RATE,
    "WELNO_THREADS_WINDOW_ITEMS": ("0", "10001"),
    "WELNO_THREADS_WINDOW_BYTES": ("65535", "67108865"),
    "WELNO_THREADS_WINDOW_SECONDS": ("59", "2678401"),
    "WELNO_THREADS_KEEP_DAYS": ("0", "36501"),
    "WELNO_THREADS_MEMBERS_MAX": ("1", "101"),
    "WELNO_THREADS_DEVICES_MAX": ("0", "51"),
    "WELNO_THREADS_BLOB_MAX_BYTES": ("65535", "20971521"),
    "WELNO_THREADS_MEMBER_BLOBS_MAX_BYTES": ("1048575", "1099511627777"),
    "WELNO_THREADS_SUBSCRIPTIONS_MAX": ("0", "1001"),
    "WELNO_THREADS_KEY_GRACE_SECONDS": ("-1", "2678401"),
    "WELNO_THREADS_PUSH_PASS_DAYS": ("0", "91"),
    "WELNO_SHL_LINKS_MAX": ("0", "1001"),
    "WELNO_SHL_MAKE_LIMIT": RATE,
    "WELNO_SHL_FETCH_LIMIT": RATE,
    "WELNO_SHL_LOCATION_SECONDS": ("9", "3601"),
    "WELNO_SHL_KEEP_DAYS": ("0", "3651"),
    "WELNO_UPLOAD_WITHIN_SECONDS": ("0.09", "3600.1"),
    "WELNO_LEASE_SECONDS": ("0.4", "301", "nan", "inf", "1e2", " 5", "１", "1_0"),
    "WELNO_SWEEP_INTERVAL_SECONDS": ("0.04", "61"),
    "WELNO_LOG_LEVEL": ("LOUD", "20"),
    "PROMETHEUS_MULTIPROC_DIR": ("/nowhere/at/all", __file__),
    "WELNO_WEBHOOK_CA_FILE": ("/nowhere/at/all", "/"),
    "WELNO_WEBHOOK_NETWORKS": ("10.0.0.1/8", "inside", "10.0.0.0/33", ",".join(["10.0.0.0/8"] * 65)),
}


def test_each_setting_has_a_judged_range():
    assert {variable.name for variable in declared_variables()} == set(OUTSIDE)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OUTSIDE.items() for value in values])
def test_what_lies_outside_of_its_range_stops_the_start(name: str, value: str):
    with pytest.raises(SettingsError, match=f"^{name}: "):
        Settings.read(ENVIRONMENT | {name: value})


@pytest.mark.parametrize("value", ["-1", "five", "1e1"])
@pytest.mark.parametrize("name", ["WELNO_CALL_MARGIN_SECONDS", "WELNO_DATABASE_POOL_SIZE"])
def test_what_is_no_number_is_answered_with_the_range(name: str, value: str):
    with pytest.raises(SettingsError, match=rf"^{name}: must be a (whole )?number between [\d.]+ and \d+"):
        Settings.read(ENVIRONMENT | {name: value})


@pytest.mark.parametrize("variable", [*declared_variables()], ids=lambda variable: variable.name)
def test_no_setting_takes_what_is_no_line_of_text(variable: Variable):
    value = ENVIRONMENT.get(variable.name, variable.default)
    for wrong in (
        f"{value}\nX-Injected: 1",
        f"{value}\x00",
        f"{value}\x7f",
        "x" * 4097,
        *([] if value == "" else [""]),
    ):
        with pytest.raises(SettingsError, match=f"^{variable.name}: "):
            Settings.read(ENVIRONMENT | {variable.name: wrong})


def test_a_move_of_files_needs_a_bucket():
    with pytest.raises(SettingsError, match=r"^TILKO_DATA_MOVING: needs TILKO_DATA_URL"):
        Settings.read(ENVIRONMENT | {"TILKO_DATA_MOVING": "true"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WELNO_RUN_KEEP_DAYS", "29"),
        ("WELNO_SESSION_MAX_SECONDS", "1799"),
        ("WELNO_STEP_RETRY_MAX_SECONDS", "1.9"),
        ("WELNO_LEASE_SECONDS", "0.5"),
    ],
)
def test_settings_that_contradict_each_other_stop_the_start(name: str, value: str):
    with pytest.raises(SettingsError, match=f"^{name}: must be at least WELNO_"):
        Settings.read(ENVIRONMENT | {name: value, "WELNO_SWEEP_INTERVAL_SECONDS": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql:///welno?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql:///welno?host=a:1&host=b:2&target_session_attrs=read-write"),
        ("DATABASE_REPLICA_URL", "postgresql://db-2.example.com/welno"),
        ("DATABASE_REPLICA_URL", "postgresql://db-1,db-2:6432/welno?target_session_attrs=standby"),
        ("REDIS_URL", "rediss://:p%40ss@redis.example.com:6380/3?ssl_cert_reqs=none"),
        ("REDIS_URL", "unix:///run/redis.sock?db=1"),
        ("CELERY_BROKER_URL", "sentinel://s1.example.com:26379;sentinel://s2.example.com:26379"),
        ("REDIS_URL", "sentinel://:p%40ss@s1.example.com/3;sentinel://s2.example.com:26379?master_name=records"),
        ("CELERY_BROKER_URL", "amqps://user:pass@mq.example.com/vhost"),
        ("TILKO_BASE_URL", "http://127.0.0.1:8001"),
        ("WELNO_ALLOWED_ORIGINS", "https://app.example.com, https://[2001:db8::1]:8443,http://localhost:8000"),
    ],
)
def test_an_address_of_each_kind_is_taken(name: str, value: str):
    Settings.read(ENVIRONMENT | {name: value})


def test_without_an_address_there_is_no_replica():
    assert Settings.read(ENVIRONMENT).stores.database_replica_url == ""


def test_a_key_of_zeros_seals_nothing():
    with pytest.raises(SettingsError, match=r"^WELNO_SEALING_KEYS: "):
        Settings.read(ENVIRONMENT | {"WELNO_SEALING_KEYS": f"k:{base64.b64encode(bytes(32)).decode()}"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WELNO_PSEUDONYM_KEY", ENVIRONMENT["WELNO_JWT_SECRET"]),
        ("WELNO_PASSWORD_PEPPER", ENVIRONMENT["WELNO_JWT_SECRET"]),
        ("WELNO_PASSWORD_PEPPER", ENVIRONMENT["WELNO_PSEUDONYM_KEY"]),
        ("WELNO_JWT_SECRET", KEY.partition(":")[2]),
    ],
)
def test_one_secret_is_not_used_for_two_things(name: str, value: str):
    with pytest.raises(SettingsError, match="different"):
        Settings.read(ENVIRONMENT | {name: value})


@pytest.mark.parametrize("limit", ["30 per hour", "5/10 minutes", "1 per second; 100 per 2 days"])
def test_a_limit_that_is_taken_is_understood_later(limit: str):
    assert parse_many(Settings.read(ENVIRONMENT | {"WELNO_PUSH_LIMIT": limit}).web.push_limit)


def test_the_database_is_reached_by_one_driver_however_it_is_written():
    urls = ("postgresql://db.example.com/welno", "postgresql+psycopg2://db.example.com/welno")
    read = {Settings.read(ENVIRONMENT | {"DATABASE_URL": url}).stores.database_url for url in urls}
    assert read == {urls[1]}


@pytest.mark.parametrize(
    ("written", "hosts", "ports"),
    [
        ("u:p%40@db-1.example.com,db-2.example.com:6432/welno", "db-1.example.com,db-2.example.com", "5432,6432"),
        ("u:p%40@[2001:db8::1]:5433,10.0.0.2/welno", "2001:db8::1,10.0.0.2", "5433,5432"),
        ("u:p%40@/welno?host=a,b&port=1,2", "a,b", "1,2"),
    ],
)
def test_several_hosts_of_the_database_are_handed_on_to_libpq(written: str, hosts: str, ports: str):
    url = f"postgresql://{written}{'&' if '?' in written else '?'}target_session_attrs=read-write"
    read = Settings.read(ENVIRONMENT | {"DATABASE_URL": url}).stores.database_url
    _, given = PGDialect_psycopg2().create_connect_args(make_url(read))
    assert given == {
        "host": hosts,
        "port": ports,
        "user": "u",
        "password": "p@",
        "dbname": "welno",
        "target_session_attrs": "read-write",
    }


def test_push_services_need_a_key():
    with pytest.raises(SettingsError, match=r"^WELNO_PUSH_HOSTS: needs WELNO_PUSH_KEY"):
        Settings.read(ENVIRONMENT | {"WELNO_PUSH_HOSTS": "web.push.apple.com"})


def test_a_port_of_https_is_none():
    hosts = {"WELNO_PUSH_HOSTS": "web.push.apple.com:443,push.example:8443", "WELNO_PUSH_KEY": PUSH_KEY}
    assert Settings.read(ENVIRONMENT | hosts).journey.push_hosts.patterns == {"web.push.apple.com", "push.example:8443"}
