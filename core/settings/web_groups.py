"""The groups of the edge: who may call and how often, who signs in, what people agree to, live connections."""

from dataclasses import dataclass

from core.settings.addresses import read_origins
from core.settings.readers import (
    count_between,
    number_between,
    read_boolean,
    read_present_file,
    read_rate_limit,
    read_text,
)
from core.settings.variables import setting

_SECONDS = number_between(0.01, 86_400 * 31)
_SECONDS_OR_NONE = number_between(0, 3600)


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The edge: who may call, and how often."""

    allowed_origins: tuple[str, ...] = setting(
        "WELNO_ALLOWED_ORIGINS",
        read_origins,
        "Origins of front ends that may use the cookie, separated by commas.",
        default="",
    )
    cookie_secure: bool = setting(
        "WELNO_COOKIE_SECURE", read_boolean, "HTTPS in front: cookies as `__Host-`, and HSTS.", default="true"
    )
    api_docs: bool = setting(
        "WELNO_API_DOCS",
        read_boolean,
        "`/api/docs` and the documents for machines (`/api/openapi.json`, `/api/asyncapi.json`), open to everybody.",
        default="true",
    )
    trusted_proxies: int = setting(
        "WELNO_TRUSTED_PROXIES",
        count_between(0, 5),
        "Reverse proxies in front, whose X-Forwarded-For is believed.",
        default="0",
    )
    handshake_within_seconds: int = setting(
        "WELNO_RELAY_HANDSHAKE_WITHIN_SECONDS",
        count_between(1, 60),
        "A request's head must be complete, and the next request begin, within so long.",
        default="5",
        unit="s",
    )
    body_within_seconds: float = setting(
        "WELNO_BODY_WITHIN_SECONDS",
        number_between(0.1, 300),
        "The body of a request must be complete so long after its head.",
        default="10",
        unit="s",
    )
    upload_within_seconds: float = setting(
        "WELNO_UPLOAD_WITHIN_SECONDS",
        number_between(0.1, 3600),
        "The same of an interview's file, of up to 50 MiB.",
        default="600",
        unit="s",
    )
    answer_within_seconds: float = setting(
        "WELNO_ANSWER_WITHIN_SECONDS",
        number_between(0.1, 300),
        "A caller must take each 64 KiB of an answer within so long; live streams have bounds of their own.",
        default="15",
        unit="s",
    )
    connections_total: int = setting(
        "WELNO_CONNECTIONS_TOTAL",
        count_between(32, 1_000_000),
        "Requests under way, idle connections, SSE and long polls in one web process; more wait to be accepted.",
        default="11000",
    )
    # Offices and carriers share addresses, and a browser opens six.
    connections_per_address: int = setting(
        "WELNO_CONNECTIONS_PER_ADDRESS",
        count_between(8, 1_000_000),
        "The same from one address (of IPv6 its /64), at most a quarter of what fits; behind a proxy it is the one to"
        " count.",
        default="400",
    )
    body_limit: str = setting(
        "WELNO_BODY_LIMIT",
        read_rate_limit,
        "Calls with a body from one address (of IPv6 its /64), counted before the body is read.",
        default="300 per minute",
    )
    # Nobody uses up what others may: the second counts what all addresses ask of one phone together.
    push_limit: str = setting(
        "WELNO_PUSH_LIMIT",
        read_rate_limit,
        "Pushes to one phone number from one address (of IPv6 its /64).",
        default="5 per 10 minutes; 20 per day",
    )
    push_phone_limit: str = setting(
        "WELNO_PUSH_PHONE_LIMIT",
        read_rate_limit,
        "Pushes to one phone number from all addresses together but those where one was approved within 90 days.",
        default="10 per 10 minutes; 40 per day",
    )
    password_limit: str = setting(
        "WELNO_PASSWORD_LIMIT",
        read_rate_limit,
        "Passwords that did not fit, per address; password calls per patient.",
        default="30 per 10 minutes",
    )
    poll_limit: str = setting(
        "WELNO_RELAY_POLL_LIMIT", read_rate_limit, "Polls for the events of one session.", default="240 per minute"
    )


@dataclass(frozen=True, kw_only=True)
class AccountSettings:
    """Operators, a hospital's staff, members: how they sign in."""

    staff_login_limit: str = setting(
        "WELNO_STAFF_LOGIN_LIMIT",
        read_rate_limit,
        "Tries of one login from one address; a right one takes them back.",
        default="5 per 15 minutes",
    )
    operator_idle_seconds: float = setting(
        "WELNO_OPERATOR_IDLE_SECONDS",
        number_between(1, 3600),
        "An operator's login ends when it was not used for so long.",
        default="900",
        unit="s",
    )
    demo: bool = setting(
        "WELNO_DEMO",
        read_boolean,
        "The demo's people and logins, and operators without a second factor: never in production.",
        default="false",
    )
    demo_people: str = setting(
        "WELNO_DEMO_PEOPLE",
        read_present_file,
        "JSON file of invented people, whom the start page of a demo (`WELNO_DEMO`) offers to fill its form with.",
        default="",
    )


@dataclass(frozen=True, kw_only=True)
class ConsentSettings:
    """What the consent texts name, and how long a consent holds."""

    controller: str = setting(
        "WELNO_CONTROLLER", read_text, "Who is responsible for the records, by law: named in every consent text."
    )
    contact: str = setting(
        "WELNO_CONTROLLER_CONTACT",
        read_text,
        "Where a person withdraws a consent and asks about their data: named in every consent text.",
    )
    valid_days: int = setting(
        "WELNO_CONSENT_VALID_DAYS",
        count_between(1, 3650),
        "A consent holds for so long, unless it is withdrawn; the texts say so.",
        default="365",
        unit="days",
    )


@dataclass(frozen=True, kw_only=True)
class RelaySettings:
    """Every bound of a connection; docs/relay.md tells what happens beyond it. `sockets_` counts readers of any kind:
    WebSockets, SSE answers and long polls."""

    # Offices and carriers share addresses.
    sockets_per_address: int = setting(
        "WELNO_SOCKETS_PER_ADDRESS",
        count_between(1, 100_000),
        "Open sockets, SSE and long polls from one address, over all web processes.",
        default="200",
    )
    sockets_per_person: int = setting(
        "WELNO_SOCKETS_PER_PERSON",
        count_between(1, 1000),
        "The same of one known person.",
        default="50",
    )
    sockets_total: int = setting(
        "WELNO_SOCKETS_TOTAL",
        count_between(1, 1_000_000),
        "The same of everybody, in one web process.",
        default="10000",
    )
    message_in_max_bytes: int = setting(
        "WELNO_RELAY_MESSAGE_IN_MAX_BYTES",
        count_between(1024, 16 * 1024 * 1024),
        "Longest message of a client.",
        default="65536",
        unit="bytes",
    )
    message_out_max_bytes: int = setting(
        "WELNO_RELAY_MESSAGE_OUT_MAX_BYTES",
        count_between(66_560, 16 * 1024 * 1024),
        "Longest message to a client; an event of 64 KiB must fit.",
        default="66560",
        unit="bytes",
    )
    messages_per_minute: int = setting(
        "WELNO_RELAY_MESSAGES_PER_MINUTE",
        count_between(1, 100_000),
        "Messages of one socket, by fragments.",
        default="240",
    )
    controls_per_minute: int = setting(
        "WELNO_RELAY_CONTROLS_PER_MINUTE",
        count_between(1, 100_000),
        "Pings and unasked pongs of one socket.",
        default="240",
    )
    queue_max_bytes: int = setting(
        "WELNO_RELAY_QUEUE_MAX_BYTES",
        count_between(65_536, 1024 * 1024 * 1024),
        "Events that may wait for one reader.",
        default="1048576",
        unit="bytes",
    )
    admit_within_seconds: float = setting(
        "WELNO_RELAY_ADMIT_WITHIN_SECONDS",
        _SECONDS,
        "From a socket's handshake to its greeting.",
        default="10",
        unit="s",
    )
    ping_every_seconds: float = setting(
        "WELNO_RELAY_PING_EVERY_SECONDS", _SECONDS, "Between our pings.", default="30", unit="s"
    )
    pong_within_seconds: float = setting(
        "WELNO_RELAY_PONG_WITHIN_SECONDS", _SECONDS, "Longest wait for a pong.", default="10", unit="s"
    )
    write_within_seconds: float = setting(
        "WELNO_RELAY_WRITE_WITHIN_SECONDS",
        _SECONDS,
        "A reader that takes nothing for so long is cut off.",
        default="15",
        unit="s",
    )
    close_within_seconds: float = setting(
        "WELNO_RELAY_CLOSE_WITHIN_SECONDS", _SECONDS, "Longest wait for the answer to a close.", default="5", unit="s"
    )
    # At most 60: a lost right is noticed within a minute.
    check_every_seconds: float = setting(
        "WELNO_RELAY_CHECK_EVERY_SECONDS",
        number_between(0.01, 60),
        "How often a reader's right to read is looked up again.",
        default="55",
        unit="s",
    )
    idle_seconds: float = setting(
        "WELNO_RELAY_IDLE_SECONDS", _SECONDS, "A socket with nothing but pings is closed.", default="3600", unit="s"
    )
    drain_spread_seconds: float = setting(
        "WELNO_RELAY_DRAIN_SPREAD_SECONDS",
        _SECONDS_OR_NONE,
        "Readers of a stopping process come back spread over so long.",
        default="10",
        unit="s",
    )
    # Keeps proxies awake and notices readers that left.
    sse_comment_seconds: float = setting(
        "WELNO_RELAY_SSE_COMMENT_SECONDS", _SECONDS, "Between two signs of life on SSE.", default="20", unit="s"
    )
    poll_max_seconds: float = setting(
        "WELNO_RELAY_POLL_MAX_SECONDS", _SECONDS_OR_NONE, "Longest wait of a long poll.", default="25", unit="s"
    )
    position_check_seconds: float = setting(
        "WELNO_RELAY_POSITION_CHECK_SECONDS",
        _SECONDS,
        "Each stream's end is compared with what its readers were given.",
        default="15",
        unit="s",
    )
