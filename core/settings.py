"""The one typed place for settings: each declared once, read from the environment at the start, wrong ones named.

Errors: SettingsError (not retryable), whose message names every variable at fault and what to do.
"""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

_PREFIX = "WELNO_"
# Read by `make run` alone, before there are settings; named here so that they do not count as unknown.
LOCAL_VARIABLES = {
    "WELNO_HOME": "Where `make run` keeps its servers' data (default `.welno/`).",
    "WELNO_PORT": "First port of `make run` (default 8000); sandbox, Flower, PostgreSQL and Valkey follow.",
}


class SettingsError(Exception):
    """One or more settings are missing, wrong or unknown."""

    retryable = False


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        number = float(value)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return number

    return read


def _count(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"must lie between {low} and {high}")
        return number

    return read


def _yes_or_no(value: str) -> bool:
    choices = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in choices:
        raise ValueError("must be true or false")
    return choices[value.lower()]


def _list(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _pauses(value: str) -> tuple[int, ...]:
    pauses = tuple(int(item) for item in _list(value))
    if not pauses or min(pauses) < 1:
        raise ValueError("must be whole seconds separated by commas, each at least 1")
    return pauses


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError("must begin with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return value

    return read


def _long_secret(value: str) -> str:
    if len(value) < 32:
        raise ValueError("must have at least 32 characters")
    return value


def _sealing_keys(value: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for item in _list(value):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as exc:
            raise ValueError("must be id:base64[,id:base64]") from exc
        if not key_id or len(key) != 32:
            raise ValueError("each key must be id:base64 of 32 bytes")
        keys[key_id] = key
    if not keys:
        raise ValueError("must hold at least one key")
    return keys


def _level(value: str) -> str:
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return value.upper()


_REQUIRED: Any = object()


def _declare(
    variable: str,
    read: Callable[[str], Any],
    doc: str,
    *,
    default: Any = _REQUIRED,
    unit: str = "",
    secret: bool = False,
) -> Any:
    return field(
        metadata={"variable": variable, "read": read, "doc": doc, "default": default, "unit": unit, "secret": secret},
        repr=not secret,
    )


_SECONDS = _number(0.01, 86_400 * 31)
_FRACTION_SECONDS = _number(0, 3600)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. `Settings.read()` is called once per process, at its edge."""

    # stores
    database_url: str = _declare(
        "DATABASE_URL", _url("postgresql", "postgresql+psycopg2"), "PostgreSQL, the truth.", secret=True
    )
    redis_url: str = _declare(
        "REDIS_URL", _url("redis", "rediss", "unix"), "Redis: sessions, streams, limits.", secret=True
    )
    celery_broker_url: str = _declare("CELERY_BROKER_URL", _text, "The Celery broker: Redis or RabbitMQ.", secret=True)
    tilko_data_dir: Path = _declare("TILKO_DATA_DIR", Path, "Folder of the file-first store.", default="tilko_data")
    database_pool_size: int = _declare(
        "WELNO_DATABASE_POOL_SIZE", _count(1, 200), "Connections a process keeps.", default=10
    )
    # providers
    tilko_base_url: str = _declare(
        "TILKO_BASE_URL", _url("http", "https"), "Tilko's address.", default="https://api.tilko.net"
    )
    tilko_api_key: str = _declare("TILKO_API_KEY", _text, "Tilko's API key.", secret=True)
    mediarc_api_url: str = _declare("MEDIARC_API_URL", _url("http", "https"), "MediArc's address.")
    mediarc_api_key: str = _declare("MEDIARC_API_KEY", _text, "MediArc's API key.", secret=True)
    # secrets of our own
    sealing_keys: dict[str, bytes] = _declare(
        "WELNO_SEALING_KEYS",
        _sealing_keys,
        "AES-256 keys for data at rest, `id:base64[,id:base64]`; the first seals.",
        secret=True,
    )
    jwt_secret: str = _declare("WELNO_JWT_SECRET", _long_secret, "Signs access tokens.", secret=True)
    pseudonym_key: str = _declare(
        "WELNO_PSEUDONYM_KEY",
        _long_secret,
        "Derives pseudonyms (limits, new patients' UUIDs); never change it.",
        secret=True,
    )
    # the edge
    allowed_origins: tuple[str, ...] = _declare(
        "WELNO_ALLOWED_ORIGINS",
        _list,
        "Origins of front ends that may use the cookie, separated by commas.",
        default="",
    )
    cookie_secure: bool = _declare("WELNO_COOKIE_SECURE", _yes_or_no, "Cookies over HTTPS only.", default="true")
    trusted_proxies: int = _declare(
        "WELNO_TRUSTED_PROXIES", _count(0, 5), "Reverse proxies in front, whose X-Forwarded-For is believed.", default=0
    )
    start_limit: str = _declare("WELNO_START_LIMIT", _text, "Session starts per address.", default="30 per hour")
    start_phone_limit: str = _declare(
        "WELNO_START_PHONE_LIMIT", _text, "Session starts per phone number.", default="10 per hour"
    )
    simple_auth_limit: str = _declare(
        "WELNO_SIMPLE_AUTH_LIMIT", _text, "Pushes to one phone number.", default="5 per 10 minutes"
    )
    password_limit: str = _declare(
        "WELNO_PASSWORD_LIMIT", _text, "Password calls per address.", default="30 per 10 minutes"
    )
    # the session
    session_ttl_seconds: float = _declare(
        "WELNO_SESSION_TTL_SECONDS", _SECONDS, "A session ends this long after its last use.", default=1800, unit="s"
    )
    session_max_seconds: float = _declare(
        "WELNO_SESSION_MAX_SECONDS",
        _SECONDS,
        "A session ends this long after its start, whatever happens.",
        default=14_400,
        unit="s",
    )
    # waiting for the phone
    poll_interval_seconds: float = _declare(
        "WELNO_POLL_INTERVAL_SECONDS", _SECONDS, "Between the first five polls of an approval.", default=2, unit="s"
    )
    poll_slow_max_seconds: float = _declare(
        "WELNO_POLL_SLOW_MAX_SECONDS", _SECONDS, "Longest pause between later polls.", default=10, unit="s"
    )
    # steps
    step_max_attempts: int = _declare(
        "WELNO_STEP_MAX_ATTEMPTS", _count(1, 50), "Tries of one step before it fails.", default=5
    )
    step_retry_base_seconds: float = _declare(
        "WELNO_STEP_RETRY_BASE_SECONDS",
        _FRACTION_SECONDS,
        "First pause before a step is tried again; it doubles.",
        default=2,
        unit="s",
    )
    step_retry_max_seconds: float = _declare(
        "WELNO_STEP_RETRY_MAX_SECONDS",
        _FRACTION_SECONDS,
        "Longest pause before a step is tried again.",
        default=60,
        unit="s",
    )
    lease_seconds: float = _declare(
        "WELNO_LEASE_SECONDS",
        _SECONDS,
        "A process that has not renewed its lease for so long is taken for dead.",
        default=5,
        unit="s",
    )
    call_patience_seconds: float = _declare(
        "WELNO_CALL_PATIENCE_SECONDS",
        _FRACTION_SECONDS,
        "Longest wait for another process's answer that is paid for, before it is asked for again.",
        default=2,
        unit="s",
    )
    sweep_interval_seconds: float = _declare(
        "WELNO_SWEEP_INTERVAL_SECONDS", _SECONDS, "Between two sweeps for what stands still.", default=0.5, unit="s"
    )
    tilko_checkups_timeout_seconds: float = _declare(
        "WELNO_TILKO_CHECKUPS_TIMEOUT_SECONDS", _SECONDS, "Longest wait for checkups.", default=120, unit="s"
    )
    tilko_treatments_timeout_seconds: float = _declare(
        "WELNO_TILKO_TREATMENTS_TIMEOUT_SECONDS", _SECONDS, "Longest wait for prescriptions.", default=300, unit="s"
    )
    mediarc_timeout_seconds: float = _declare(
        "WELNO_MEDIARC_TIMEOUT_SECONDS", _SECONDS, "Longest wait for a report.", default=90, unit="s"
    )
    # files
    file_retry_delays_seconds: tuple[int, ...] = _declare(
        "WELNO_FILE_RETRY_DELAYS_SECONDS",
        _pauses,
        "Pauses before each retry of a failed file.",
        default="60,600,3600",
        unit="s",
    )
    file_retry_interval_seconds: float = _declare(
        "WELNO_FILE_RETRY_INTERVAL_SECONDS",
        _SECONDS,
        "How often beat looks for failed files that are due.",
        default=60,
        unit="s",
    )
    file_orphan_seconds: float = _declare(
        "WELNO_FILE_ORPHAN_SECONDS",
        _SECONDS,
        "A file that nobody works on is an orphan after so long.",
        default=300,
        unit="s",
    )
    completed_keep_days: int = _declare(
        "WELNO_COMPLETED_KEEP_DAYS", _count(7, 3650), "Imported files are kept for so long.", default=30, unit="days"
    )
    # sockets
    sockets_per_session: int = _declare(
        "WELNO_SOCKETS_PER_SESSION", _count(1, 1000), "Open sockets and SSE of one session.", default=20
    )
    sockets_per_address: int = _declare(
        "WELNO_SOCKETS_PER_ADDRESS", _count(1, 100_000), "The same from one address.", default=200
    )
    sockets_per_person: int = _declare(
        "WELNO_SOCKETS_PER_PERSON", _count(1, 1000), "The same of one known patient.", default=50
    )
    sockets_total: int = _declare(
        "WELNO_SOCKETS_TOTAL", _count(1, 1_000_000), "The same in one web process.", default=10_000
    )
    relay_message_in_max_bytes: int = _declare(
        "WELNO_RELAY_MESSAGE_IN_MAX_BYTES",
        _count(1024, 16 * 1024 * 1024),
        "Longest message of a client.",
        default=65_536,
        unit="bytes",
    )
    relay_message_out_max_bytes: int = _declare(
        "WELNO_RELAY_MESSAGE_OUT_MAX_BYTES",
        _count(66_560, 16 * 1024 * 1024),
        "Longest message to a client; an event of 64 KiB must fit.",
        default=66_560,
        unit="bytes",
    )
    relay_messages_per_minute: int = _declare(
        "WELNO_RELAY_MESSAGES_PER_MINUTE", _count(1, 100_000), "Messages of one socket, by fragments.", default=240
    )
    relay_controls_per_minute: int = _declare(
        "WELNO_RELAY_CONTROLS_PER_MINUTE", _count(1, 100_000), "Pings and unasked pongs of one socket.", default=240
    )
    relay_queue_max_bytes: int = _declare(
        "WELNO_RELAY_QUEUE_MAX_BYTES",
        _count(65_536, 1024 * 1024 * 1024),
        "Events that may wait for one reader.",
        default=1_048_576,
        unit="bytes",
    )
    relay_handshake_within_seconds: int = _declare(
        "WELNO_RELAY_HANDSHAKE_WITHIN_SECONDS",
        _count(1, 60),
        "A request's head must be complete, and the next request begin, within so long.",
        default=5,
        unit="s",
    )
    relay_admit_within_seconds: float = _declare(
        "WELNO_RELAY_ADMIT_WITHIN_SECONDS", _SECONDS, "From a socket's handshake to its greeting.", default=10, unit="s"
    )
    relay_ping_every_seconds: float = _declare(
        "WELNO_RELAY_PING_EVERY_SECONDS", _SECONDS, "Between our pings.", default=30, unit="s"
    )
    relay_pong_within_seconds: float = _declare(
        "WELNO_RELAY_PONG_WITHIN_SECONDS", _SECONDS, "Longest wait for a pong.", default=10, unit="s"
    )
    relay_write_within_seconds: float = _declare(
        "WELNO_RELAY_WRITE_WITHIN_SECONDS",
        _SECONDS,
        "A reader that takes nothing for so long is cut off.",
        default=15,
        unit="s",
    )
    relay_close_within_seconds: float = _declare(
        "WELNO_RELAY_CLOSE_WITHIN_SECONDS", _SECONDS, "Longest wait for the answer to a close.", default=5, unit="s"
    )
    relay_check_every_seconds: float = _declare(
        "WELNO_RELAY_CHECK_EVERY_SECONDS",
        _number(0.01, 60),
        "How often a reader's right to read is looked up again.",
        default=55,
        unit="s",
    )
    relay_idle_seconds: float = _declare(
        "WELNO_RELAY_IDLE_SECONDS", _SECONDS, "A socket with nothing but pings is closed.", default=3600, unit="s"
    )
    relay_drain_spread_seconds: float = _declare(
        "WELNO_RELAY_DRAIN_SPREAD_SECONDS",
        _FRACTION_SECONDS,
        "Readers of a stopping process come back spread over so long.",
        default=10,
        unit="s",
    )
    relay_sse_comment_seconds: float = _declare(
        "WELNO_RELAY_SSE_COMMENT_SECONDS", _SECONDS, "Between two signs of life on SSE.", default=20, unit="s"
    )
    relay_poll_max_seconds: float = _declare(
        "WELNO_RELAY_POLL_MAX_SECONDS", _FRACTION_SECONDS, "Longest wait of a long poll.", default=25, unit="s"
    )
    relay_poll_limit: str = _declare(
        "WELNO_RELAY_POLL_LIMIT", _text, "Polls for the events of one session.", default="240 per minute"
    )
    relay_position_check_seconds: float = _declare(
        "WELNO_RELAY_POSITION_CHECK_SECONDS",
        _SECONDS,
        "Each stream's end is compared with what its readers were given.",
        default=15,
        unit="s",
    )
    # watching
    log_level: str = _declare("WELNO_LOG_LEVEL", _level, "Least severe level that is logged.", default="INFO")
    canary_interval_seconds: float = _declare(
        "WELNO_CANARY_INTERVAL_SECONDS", _SECONDS, "How often a worker must show that it lives.", default=5, unit="s"
    )
    metrics_dir: str = _declare(
        "PROMETHEUS_MULTIPROC_DIR", str, "Folder in which several web processes add up their metrics.", default=""
    )

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment, once per process. A secret NAME may also come from the file named by NAME_FILE.

        Raises SettingsError naming each variable that is missing, wrong or (with our prefix) unknown.
        """
        env = dict(os.environ if environment is None else environment)
        values: dict[str, Any] = {}
        faults = _unknown(env)
        for item in fields(cls):
            try:
                values[item.name] = _read_one(env, item.metadata)
            except (ValueError, OSError) as exc:
                faults.append(f"{item.metadata['variable']}: {exc}")
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)


def _read_one(env: Mapping[str, str], declared: Mapping[str, Any]) -> Any:
    variable = declared["variable"]
    raw = env.get(variable)
    if declared["secret"] and raw is None and f"{variable}_FILE" in env:
        raw = Path(env[f"{variable}_FILE"]).read_text(encoding="utf-8").strip()
    if raw is None:
        if declared["default"] is _REQUIRED:
            raise ValueError("is not set; see docs/settings.md")
        raw = str(declared["default"])
    return declared["read"](raw)


def _unknown(env: Mapping[str, str]) -> list[str]:
    known = set(LOCAL_VARIABLES)
    for item in fields(Settings):
        known |= {item.metadata["variable"], f"{item.metadata['variable']}_FILE"}
    return [f"{name}: unknown setting" for name in sorted(env) if name.startswith(_PREFIX) and name not in known]


def reference() -> str:
    """The settings page, as Markdown."""
    lines = ["# Settings", "", "Generated by `make settings`; read from the environment at the start.", ""]
    lines += ["| variable | default | unit | meaning |", "| --- | --- | --- | --- |"]
    for item in fields(Settings):
        declared = item.metadata
        default = "required" if declared["default"] is _REQUIRED else f"`{declared['default']}`"
        secret = " Secret; also as `" + declared["variable"] + "_FILE`." if declared["secret"] else ""
        lines.append(f"| `{declared['variable']}` | {default} | {declared['unit']} | {declared['doc']}{secret} |")
    lines += [f"| `{name}` | | | {doc} |" for name, doc in LOCAL_VARIABLES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 the page goes to standard output
