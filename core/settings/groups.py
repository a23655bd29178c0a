"""Every setting, in groups: its variable, its reader, what it means, its default and its unit."""

import base64
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from core.networks import Network
from core.settings.addresses import (
    read_base_url,
    read_broker_url,
    read_bucket_url,
    read_database_url,
    read_origins,
    read_provider_url,
    read_redis_url,
    read_replica_url,
)
from core.settings.readers import (
    count_between,
    number_between,
    one_of,
    optional,
    read_api_key,
    read_boolean,
    read_folder,
    read_log_level,
    read_networks,
    read_pauses,
    read_present_file,
    read_present_folder,
    read_sealing_keys,
    read_secret,
)
from core.settings.variables import setting

# Read by `make run` alone, before there are settings; named here so that they do not count as unknown.
LOCAL_VARIABLES = {
    "WELNO_HOME": "Where `make run` keeps its servers' data (default `.welno/`).",
    "WELNO_PORT": "First port of `make run` (default 8000); sandbox, Flower, PostgreSQL and Valkey follow.",
}

_SECONDS = number_between(0.01, 86_400 * 31)
_CALL_SECONDS = number_between(0.05, 900)
_SECONDS_OR_NONE = number_between(0, 3600)


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """Where PostgreSQL, Redis and the broker are."""

    database_url: str = setting(
        "DATABASE_URL",
        read_database_url,
        "PostgreSQL, the truth. Several hosts, by commas, with `?target_session_attrs=read-write`.",
        secret=True,
    )
    database_pool_size: int = setting(
        "WELNO_DATABASE_POOL_SIZE", count_between(1, 200), "Connections a process keeps.", default="10"
    )
    database_replica_url: str = setting(
        "DATABASE_REPLICA_URL",
        read_replica_url,
        "A streaming replica, from which stored records and the auditors' list of looks are read. Several hosts, by"
        " commas, with `?target_session_attrs=standby`. Empty: all is read from the primary.",
        default="",
        secret=True,
    )
    replica_max_lag_seconds: float = setting(
        "WELNO_REPLICA_MAX_LAG_SECONDS",
        number_between(1, 3600),
        "While the replica is further behind, the primary answers in its place.",
        default="10",
        unit="s",
    )
    redis_url: str = setting(
        "REDIS_URL",
        read_redis_url,
        "Redis: sessions, streams, limits. One server (`redis://`, `rediss://`, `unix://`), or several Sentinels,"
        " without TLS: `sentinel://:PASSWORD@one:26379/0;sentinel://two:26379;sentinel://three:26379?master_name=mymaster`."
        " What one of them says counts for all: user and password of Redis, database, `master_name` (`mymaster`), and"
        " `sentinel_username` and `sentinel_password` where Sentinels want them.",
        secret=True,
    )
    broker_url: str = setting(
        "CELERY_BROKER_URL",
        read_broker_url,
        "The Celery broker: Redis (`redis://`, `rediss://`), Redis by Sentinels as in `REDIS_URL`, or RabbitMQ with"
        " quorum queues (`amqp://` or `amqps://USER:PASSWORD@one:5672/VHOST`, further nodes after semicolons).",
        secret=True,
    )
    log_keep_days_session: int = setting(
        "WELNO_LOG_KEEP_DAYS_SESSION",
        count_between(1, 3650),
        "How long the event log keeps a session's events; who comes back later is told to start anew.",
        default="30",
        unit="days",
    )
    access_log_keep_days: int = setting(
        "WELNO_ACCESS_LOG_KEEP_DAYS",
        count_between(1, 3650),
        "How long it is kept who looked at whose records; PIPA wants two years for sensitive data.",
        default="730",
        unit="days",
    )
    run_keep_days: int = setting(
        "WELNO_RUN_KEEP_DAYS",
        count_between(1, 3650),
        "How long a run that has ended is kept, with its steps; no shorter than its events.",
        default="365",
        unit="days",
    )
    step_keep_days: int = setting(
        "WELNO_STEP_KEEP_DAYS",
        count_between(1, 3650),
        "How long the single tries of a run's steps are kept.",
        default="90",
        unit="days",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when events would outlive the run that they are numbered by."""
        if self.run_keep_days < self.log_keep_days_session:
            raise ValueError("WELNO_RUN_KEEP_DAYS: must be at least WELNO_LOG_KEEP_DAYS_SESSION")


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """Other people's APIs."""

    tilko_base_url: str = setting("TILKO_BASE_URL", read_base_url, "Tilko's address.", default="https://api.tilko.net")
    tilko_api_key: str = setting("TILKO_API_KEY", read_api_key, "Tilko's API key.", secret=True)
    tilko_approval_check: str = setting(
        "TILKO_APPROVAL_CHECK",
        one_of("auto", "login_check", "data_call"),
        "What tells whether a phone has approved: `login_check` (free, without data), `data_call` (billed, brings the"
        " checkups), or `auto`: LoginCheck, and the data call where the provider has none.",
        default="auto",
    )
    tilko_checkups_timeout_seconds: float = setting(
        "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS", _CALL_SECONDS, "Longest wait for checkups.", default="120", unit="s"
    )
    tilko_treatments_timeout_seconds: float = setting(
        "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS",
        _CALL_SECONDS,
        "Longest wait for prescriptions.",
        default="300",
        unit="s",
    )
    mediarc_api_url: str = setting("MEDIARC_API_URL", read_provider_url, "MediArc's address.")
    mediarc_api_key: str = setting("MEDIARC_API_KEY", read_api_key, "MediArc's API key.", secret=True)
    mediarc_timeout_seconds: float = setting(
        "WELNO_MEDIARC_TIMEOUT_SECONDS", _CALL_SECONDS, "Longest wait for a report.", default="90", unit="s"
    )


@dataclass(frozen=True, kw_only=True)
class SecretSettings:
    """Secrets of our own. None has a default."""

    sealing_keys: dict[str, bytes] = setting(
        "WELNO_SEALING_KEYS",
        read_sealing_keys,
        "AES-256 keys for data at rest, `id:hkdf:base64[,id:hkdf:base64]`; the first seals, with a key per purpose that"
        " is derived from it (`id:base64`, as all were once, is used for every purpose as it is).",
        secret=True,
    )
    jwt_secret: str = setting("WELNO_JWT_SECRET", read_secret, "Signs access tokens.", secret=True)
    pseudonym_key: str = setting(
        "WELNO_PSEUDONYM_KEY",
        read_secret,
        "Derives pseudonyms, new patients' UUIDs, keys of the limits and of the access log's chain; never change it.",
        secret=True,
    )
    password_pepper: str = setting(
        "WELNO_PASSWORD_PEPPER",
        read_secret,
        "Goes into every password's hash, so keep it apart from the database; when it is changed nobody's password"
        " fits any more.",
        secret=True,
    )

    def __post_init__(self) -> None:
        """Raises ValueError when two are the same: whoever learns one must not hold another."""
        single = {
            "WELNO_JWT_SECRET": self.jwt_secret,
            "WELNO_PSEUDONYM_KEY": self.pseudonym_key,
            "WELNO_PASSWORD_PEPPER": self.password_pepper,
        }
        for (one, value), (other, same) in combinations(single.items(), 2):
            if value == same:
                raise ValueError(f"{one} and {other}: must be different")
        if {value.encode() for value in single.values()} & _as_written(self.sealing_keys):
            raise ValueError("WELNO_SEALING_KEYS: must be different from the other secrets")


def _as_written(keys: dict[str, bytes]) -> set[bytes]:
    return {*keys.values(), *(base64.b64encode(key) for key in keys.values())}


@dataclass(frozen=True, kw_only=True)
class CollectionSettings:
    """A collection's session, its wait for the phone, its steps."""

    session_ttl_seconds: float = setting(
        "WELNO_SESSION_TTL_SECONDS", _SECONDS, "A session ends this long after its last use.", default="1800", unit="s"
    )
    session_max_seconds: float = setting(
        "WELNO_SESSION_MAX_SECONDS",
        _SECONDS,
        "A session ends this long after its start, whatever happens.",
        default="14400",
        unit="s",
    )
    sockets_per_session: int = setting(
        "WELNO_SOCKETS_PER_SESSION",
        count_between(1, 1000),
        "Open sockets, SSE and long polls of one session, over all web processes.",
        default="20",
    )
    stream_after_completed_seconds: float = setting(
        "WELNO_STREAM_AFTER_COMPLETED_SECONDS",
        _SECONDS_OR_NONE,
        "Sockets and SSE of a session are closed (4410) so long after it has completed.",
        default="30",
        unit="s",
    )
    poll_interval_seconds: float = setting(
        "WELNO_POLL_INTERVAL_SECONDS",
        number_between(0.05, 60),
        "Between the first five polls of an approval.",
        default="2",
        unit="s",
    )
    poll_slow_max_seconds: float = setting(
        "WELNO_POLL_SLOW_MAX_SECONDS",
        number_between(0.05, 600),
        "Longest pause between later polls.",
        default="10",
        unit="s",
    )
    approve_within_seconds: float = setting(
        "WELNO_APPROVE_WITHIN_SECONDS",
        _SECONDS,
        "A request on the phone can be approved for so long after it was sent.",
        default="600",
        unit="s",
    )
    push_takeover_seconds: float = setting(
        "WELNO_PUSH_TAKEOVER_SECONDS",
        _SECONDS_OR_NONE,
        "So long a session has the phone for itself; then another may send its request in the place of the first.",
        default="60",
        unit="s",
    )
    step_max_attempts: int = setting(
        "WELNO_STEP_MAX_ATTEMPTS", count_between(1, 50), "Tries of one step before it fails.", default="5"
    )
    step_retry_base_seconds: float = setting(
        "WELNO_STEP_RETRY_BASE_SECONDS",
        _SECONDS_OR_NONE,
        "First pause before a step is tried again; it doubles.",
        default="2",
        unit="s",
    )
    step_retry_max_seconds: float = setting(
        "WELNO_STEP_RETRY_MAX_SECONDS",
        _SECONDS_OR_NONE,
        "Longest pause before a step is tried again.",
        default="60",
        unit="s",
    )
    call_margin_seconds: float = setting(
        "WELNO_CALL_MARGIN_SECONDS",
        _SECONDS,
        "How much longer than its own time-out a paid call may be under way before it is made again: half of it to "
        "leave, half of it to have its answer on disk.",
        default="10",
        unit="s",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when a longest time is shorter than that of which it is the longest."""
        if self.session_max_seconds < self.session_ttl_seconds:
            raise ValueError("WELNO_SESSION_MAX_SECONDS: must be at least WELNO_SESSION_TTL_SECONDS")
        if self.step_retry_max_seconds < self.step_retry_base_seconds:
            raise ValueError("WELNO_STEP_RETRY_MAX_SECONDS: must be at least WELNO_STEP_RETRY_BASE_SECONDS")


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The file-first store."""

    data_dir: Path = setting("TILKO_DATA_DIR", read_folder, "Folder of the file-first store.", default="tilko_data")
    data_url: str = setting(
        "TILKO_DATA_URL",
        optional(read_bucket_url),
        "Bucket of the file-first store, instead of its folder: `s3://bucket/prefix`. Credentials as boto3 finds them.",
        default="",
    )
    data_endpoint: str = setting(
        "TILKO_DATA_ENDPOINT",
        optional(read_base_url),
        "Address of an object store that is not AWS' own.",
        default="",
    )
    data_timeout_seconds: float = setting(
        "TILKO_DATA_TIMEOUT_SECONDS",
        number_between(0.1, 10),
        "A bucket that does not go on answering for so long is tried again, twice, and then told to be away.",
        default="5",
        unit="s",
    )
    data_is_moving: bool = setting(
        "TILKO_DATA_MOVING",
        read_boolean,
        "Files lie in the folder and in the bucket, while `python -m tasks.move_files` moves them: both are read.",
        default="false",
    )
    retry_delays_seconds: tuple[int, ...] = setting(
        "WELNO_FILE_RETRY_DELAYS_SECONDS",
        read_pauses,
        "Pauses before each retry of a failed file.",
        default="60,600,3600",
        unit="s",
    )
    retry_interval_seconds: float = setting(
        "WELNO_FILE_RETRY_INTERVAL_SECONDS",
        _SECONDS,
        "How often beat looks for failed files that are due.",
        default="60",
        unit="s",
    )
    orphan_seconds: float = setting(
        "WELNO_FILE_ORPHAN_SECONDS",
        _SECONDS,
        "A file that nobody works on is an orphan after so long.",
        default="300",
        unit="s",
    )
    completed_keep_days: int = setting(
        "WELNO_COMPLETED_KEEP_DAYS",
        count_between(7, 3650),
        "Imported files are kept for so long.",
        default="30",
        unit="days",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when files are moved to nowhere."""
        if self.data_is_moving and not self.data_url:
            raise ValueError("TILKO_DATA_MOVING: needs TILKO_DATA_URL")


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """Our own processes: their leases, logs and metrics."""

    lease_seconds: float = setting(
        "WELNO_LEASE_SECONDS",
        number_between(0.5, 300),
        "A process that has not renewed its lease for so long is taken for dead.",
        default="5",
        unit="s",
    )
    sweep_interval_seconds: float = setting(
        "WELNO_SWEEP_INTERVAL_SECONDS",
        number_between(0.05, 60),
        "Between two sweeps for what stands still.",
        default="0.5",
        unit="s",
    )
    log_level: str = setting("WELNO_LOG_LEVEL", read_log_level, "Least severe level that is logged.", default="INFO")
    flower_origins: tuple[str, ...] = setting(
        "WELNO_FLOWER_ORIGINS",
        read_origins,
        "Origins under which Flower is reached, besides names of this machine, separated by commas; `/staff/runs` leads"
        " to the one that has the web processes' host name and another port.",
        default="",
    )
    metrics_dir: str = setting(
        "PROMETHEUS_MULTIPROC_DIR",
        read_present_folder,
        "Folder in which several web processes add up their metrics.",
        default="",
    )
    webhook_ca_file: str = setting(
        "WELNO_WEBHOOK_CA_FILE",
        read_present_file,
        "PEM file of the authorities that receivers of webhooks are trusted by, instead of the public ones.",
        default="",
    )
    webhook_networks: tuple[Network, ...] = setting(
        "WELNO_WEBHOOK_NETWORKS",
        read_networks,
        "Networks, separated by commas, in which receivers of webhooks, and push services, may be though they are not"
        " public, such as a hospital's own; empty: public addresses only.",
        default="",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when a run would be given up before a sweep could look for it."""
        if self.lease_seconds < self.sweep_interval_seconds:
            raise ValueError("WELNO_LEASE_SECONDS: must be at least WELNO_SWEEP_INTERVAL_SECONDS")
