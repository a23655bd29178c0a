"""The group of the patient's journey: the hospital, its lines, its day, who signs in how."""

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from core.allowed_hosts import AllowedHosts
from core.networks import Network
from core.settings.addresses import read_provider_url
from core.settings.readers import (
    count_between,
    read_boolean,
    read_networks,
    read_present_file,
    read_push_hosts,
    read_push_key,
    read_rate_limit,
    read_time_of_day,
    read_time_zone,
)
from core.settings.variables import setting

_KEEP_DAYS = count_between(1, 3650)


def _read_optional_url(text: str) -> str:
    return read_provider_url(text) if text else ""


@dataclass(frozen=True, kw_only=True)
class JourneySettings:
    """The patient's journey through the hospital."""

    is_on: bool = setting(
        "WELNO_JOURNEY_V2",
        read_boolean,
        "Off, every route, socket route and page of the journey answers 404 and its jobs do nothing.",
        default="true",
    )
    time_zone: ZoneInfo = setting(
        "WELNO_HOSPITAL_TIME_ZONE", read_time_zone, "Whose days are the hospital's.", default="Asia/Seoul"
    )
    networks: tuple[Network, ...] = setting(
        "WELNO_HOSPITAL_NETWORKS",
        read_networks,
        "The hospital's own networks, its guests' among them: a waiting room shares one address, so limits per address"
        " are wider there.",
        default="",
    )
    day_close_at: time = setting(
        "WELNO_DAY_CLOSE_AT",
        read_time_of_day,
        "When open visits of the day are ended, by the hospital's time.",
        default="23:00",
    )
    no_show_limit: int = setting(
        "WELNO_NO_SHOW_LIMIT",
        count_between(1, 100),
        "How many no-shows of one entry end it.",
        default="3",
    )
    no_show_after_seconds: int = setting(
        "WELNO_NO_SHOW_AFTER_SECONDS",
        count_between(1, 86_400),
        "How long after a call staff are offered to mark a no-show.",
        default="300",
        unit="s",
    )
    overtake_limit: int = setting(
        "WELNO_OVERTAKE_LIMIT",
        count_between(1, 1000),
        "Who was overtaken so often comes before everybody but the most urgent.",
        default="5",
    )
    allows_self_registration: bool = setting(
        "WELNO_ALLOW_SELF_REGISTRATION",
        read_boolean,
        "Whether somebody unknown becomes a patient by signing in with name and whole phone number.",
        default="false",
    )
    login_needs_presence: bool = setting(
        "WELNO_LOGIN_NEEDS_PRESENCE",
        read_boolean,
        "Whether who signs in without having scanned a tag also has to give their name.",
        default="true",
    )
    login_failures_date: str = setting(
        "WELNO_LOGIN_FAILURES_DATE",
        read_rate_limit,
        "Failed sign-ins with one birth date; those after a scan are counted apart.",
        default="5 per 15 minutes;20 per day",
    )
    login_failures_address: str = setting(
        "WELNO_LOGIN_FAILURES_ADDRESS",
        read_rate_limit,
        "Failed sign-ins from one address, and as many codes of tags that were mistyped; ten times as many from the "
        "hospital's networks.",
        default="60 per 15 minutes;200 per day",
    )
    tag_alert: str = setting(
        "WELNO_TAG_ALERT",
        read_rate_limit,
        "Devices from outside the hospital's networks that scan one tag: above, staff see it marked.",
        default="30 per 10 minutes",
    )
    requires_reason: bool = setting(
        "WELNO_STAFF_REASON_REQUIRED",
        read_boolean,
        "Whether staff who search for a person, or look at one who is not in their line, have to say why. Off, what"
        " they are at work on is written down instead.",
        default="false",
    )
    emr_api_url: str = setting(
        "EMR_API_URL",
        _read_optional_url,
        "The hospital's own system, which is told of every change; without it changes stay pending.",
        default="",
    )
    push_hosts: AllowedHosts = setting(
        "WELNO_PUSH_HOSTS",
        read_push_hosts,
        "Hosts of the push services that reach a phone whose page is closed, separated by commas: `fcm.googleapis.com`,"
        " `web.push.apple.com`; with `:port` where it is not 443, and `*.` for any one label. Empty: web push is off.",
        default="",
    )
    push_key: str = setting(
        "WELNO_PUSH_KEY",
        read_push_key,
        "The private key (VAPID, RFC 8292) by which push services know this server: 32 bytes in base64url. With another"
        " one every browser subscribes anew, the next time its page is open.",
        default="",
        secret=True,
    )
    push_ca_file: str = setting(
        "WELNO_PUSH_CA_FILE",
        read_present_file,
        "PEM file of the authorities that push services are trusted by, instead of the public ones.",
        default="",
    )
    log_keep_days_patient: int = setting(
        "WELNO_LOG_KEEP_DAYS_PATIENT",
        _KEEP_DAYS,
        "How long the event log keeps the events of a person's journey.",
        default="30",
        unit="days",
    )
    log_keep_days_queue: int = setting(
        "WELNO_LOG_KEEP_DAYS_QUEUE", _KEEP_DAYS, "The same of one place in a line.", default="7", unit="days"
    )
    log_keep_days_exam: int = setting(
        "WELNO_LOG_KEEP_DAYS_EXAM", _KEEP_DAYS, "The same of a line.", default="2", unit="days"
    )
    log_keep_days_hall: int = setting(
        "WELNO_LOG_KEEP_DAYS_HALL", _KEEP_DAYS, "The same of a screen in a hall.", default="2", unit="days"
    )

    def __post_init__(self) -> None:
        """Raises ValueError when nothing could be signed for the push services that are named."""
        if self.push_hosts and not self.push_key:
            raise ValueError("WELNO_PUSH_HOSTS: needs WELNO_PUSH_KEY")
