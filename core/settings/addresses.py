"""Readers of addresses: of the stores, the broker, the providers, and of front ends' origins.

As all readers they raise ValueError with a sentence, which never repeats the text: it may hold a password.
"""

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

from core.sentinels import SCHEME, SentinelGroup

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HOST = re.compile(
    r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]*:[0-9a-f:.]*", re.IGNORECASE
)
_PORTS = range(1, 65_536)
_POSTGRESQL_PORT = 5432
_BY_DEFAULT = {"http": 80, "https": 443}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,8}/?", re.ASCII)
_REDIS_DATABASE = re.compile(r"(/(\d{1,3})?)?", re.ASCII)
# Others would be handed to redis-py's connections, which do not know them, at the first use.
_REDIS_OPTION = re.compile(
    r"db|protocol|username|password|client_name|health_check_interval|socket_\w+|ssl_\w+", re.ASCII
)
_BROKERS = frozenset({"redis", "rediss", "amqp", "amqps", "pyamqp"})


def read_database_url(text: str) -> str:
    """With the driver that the product uses, whichever way the address is written. Several hosts, which libpq separates
    by commas, become options, as SQLAlchemy takes them."""
    # Else whichever answers first is taken, were it a standby or a primary that was left behind.
    return _read_postgresql_url(text, "read-write")


def read_replica_url(text: str) -> str:
    """The same of a streaming replica; of several hosts one that is a standby is taken. Empty for none."""
    return _read_postgresql_url(text, "standby") if text else ""


def _read_postgresql_url(text: str, session_attrs: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"postgresql", "postgresql+psycopg2"}:
        raise ValueError("must begin with postgresql://")
    rest = _name_hosts_as_options(rest)
    parts = _split(f"{scheme}://{rest}")
    if not parts.hostname and "host=" not in parts.query:
        raise ValueError("must name a host, or in `?host=` the folder of a socket")
    if not re.fullmatch(r"/[^/]+", parts.path):
        raise ValueError("must name a database")
    _require_session_attrs(parse_qs(parts.query), session_attrs)
    return f"postgresql+psycopg2://{rest}"


def _name_hosts_as_options(rest: str) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    login, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return rest
    several = [_split(f"postgresql://{host}") for host in hosts.split(",")]
    for one in several:
        _require_host(one)
    names = ",".join(one.hostname or "" for one in several)
    ports = ",".join(str(one.port or _POSTGRESQL_PORT) for one in several)
    tail = rest.removeprefix(authority)
    return f"{login}{at}{tail}{'&' if '?' in tail else '?'}host={names}&port={ports}"


def _require_session_attrs(options: dict[str, list[str]], wanted: str) -> None:
    """Which of several hosts is taken."""
    hosts = ",".join(options.get("host", [])).split(",")
    if len(hosts) > 1 and options.get("target_session_attrs") != [wanted]:
        raise ValueError(f"names several hosts, so it must have ?target_session_attrs={wanted}")


def read_redis_url(text: str) -> str:
    """Of one server, or of several Sentinels."""
    parts = _split(text)
    if parts.scheme == SCHEME:
        return _read_sentinels(text)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
    if parts.scheme == "unix":
        if not parts.path.startswith("/"):
            raise ValueError("must name the path of a socket")
    else:
        _require_host(parts)
        _require_redis_database(parts)
    names = [item.partition("=")[0] for item in parts.query.split("&") if item]
    if not all(_REDIS_OPTION.fullmatch(name) for name in names):
        raise ValueError("has an unknown option after '?'")
    return text


def read_broker_url(text: str) -> str:
    """Several addresses of Sentinels, or of RabbitMQ's nodes, are separated by semicolons."""
    if text.startswith(f"{SCHEME}://"):
        return _read_sentinels(text)
    for one in text.split(";"):
        parts = _split(one)
        if parts.scheme not in _BROKERS:
            raise ValueError("must begin with redis://, rediss://, sentinel://, amqp:// or amqps://")
        _require_host(parts)
        if parts.scheme.startswith("redis"):
            _require_redis_database(parts)
    return text


def _read_sentinels(text: str) -> str:
    for one in text.split(";"):
        parts = _split(one)
        if parts.scheme != SCHEME:
            raise ValueError("must name Sentinels only: sentinel://one:26379;sentinel://two:26379")
        _require_host(parts)
        _require_redis_database(parts)
    SentinelGroup.of_url(text)
    return text


def read_provider_url(text: str) -> str:
    """Health records travel encrypted: plain HTTP is for stand-ins on this machine."""
    parts = _split(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must begin with https:// (or lead to this machine)")
    _require_host(parts)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user or password")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must hold no '?' and no '#'")
    return text


def read_base_url(text: str) -> str:
    """Of a provider; paths that begin with a slash follow."""
    return read_provider_url(text).rstrip("/")


def read_bucket_url(text: str) -> str:
    """`s3://bucket/prefix`; the prefix may be missing."""
    parts = _split(text)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc):
        raise ValueError("must be s3://bucket or s3://bucket/prefix, with a bucket's name as S3 has them")
    if not _PREFIX.fullmatch(parts.path) or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("must have a prefix of letters, digits, '.', '_' and '-' between single slashes")
    return text.rstrip("/")


def read_origins(text: str) -> tuple[str, ...]:
    origins = tuple(item.strip() for item in text.split(",") if item.strip())
    if not all(_is_origin(origin) for origin in origins):
        raise ValueError(
            "must be origins as browsers send them, such as https://app.example.com: no path, no *, no / at the end"
        )
    return origins


def _is_origin(text: str) -> bool:
    """As a browser writes it in the header: lower case, and no port where it is the scheme's own."""
    try:
        parts = _split(text)
    except ValueError:
        return False
    if parts.scheme not in _BY_DEFAULT or not _HOST.fullmatch(parts.hostname or ""):
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _BY_DEFAULT[parts.scheme]) else f":{parts.port}"
    return text == f"{parts.scheme}://{host}{port}"


def _split(text: str) -> SplitResult:
    """Raises ValueError for what has no form of an address."""
    if re.search(r"\s", text):
        raise ValueError("must hold no blank")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is no address: look at host and port") from None
    if port is not None and port not in _PORTS:
        raise ValueError("must have a port from 1 to 65535")
    return parts


def _require_host(parts: SplitResult) -> None:
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("must name a host")


def _require_redis_database(parts: SplitResult) -> None:
    if not _REDIS_DATABASE.fullmatch(parts.path):
        raise ValueError("must end with the number of a database, or with none")
