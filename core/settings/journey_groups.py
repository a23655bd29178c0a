"""The group of the patient's journey: the hospital's day and networks, its lines, who may log in and how often."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.settings.readers import count_between, number_between, read_boolean, read_list, read_rate_limit
from core.settings.variables import setting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


def read_time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone, such as Asia/Seoul") from None


def read_networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item) for item in read_list(text))
    except ValueError:
        raise ValueError("must be networks such as 203.0.113.0/24, separated by commas") from None


def read_time_of_day(text: str) -> time:
    if not _TIME_OF_DAY.fullmatch(text):
        raise ValueError("must be a time such as 23:00")
    return time.fromisoformat(text)


@dataclass(frozen=True, kw_only=True)
class JourneySettings:
    """The patient's journey through the hospital."""

    is_on: bool = setting(
        "WELNO_JOURNEY_V2",
        read_boolean,
        "Without it every route, socket and page of the journey is 404, and its jobs are idle.",
        default="true",
    )
    time_zone: ZoneInfo = setting(
        "WELNO_HOSPITAL_TIME_ZONE", read_time_zone, "Whose midnight begins the hospital's day.", default="Asia/Seoul"
    )
    hospital_networks: tuple[Network, ...] = setting(
        "WELNO_HOSPITAL_NETWORKS",
        read_networks,
        "The hospital's own networks, such as 203.0.113.0/24, separated by commas: many phones behind one address.",
        default="",
    )
    day_close_at: time = setting(
        "WELNO_DAY_CLOSE_AT", read_time_of_day, "When the hospital's day is closed.", default="23:00"
    )
    no_show_limit: int = setting(
        "WELNO_NO_SHOW_LIMIT", count_between(1, 20), "So many no-shows end an entry.", default="3"
    )
    no_show_after_seconds: float = setting(
        "WELNO_NO_SHOW_AFTER_SECONDS",
        number_between(1, 3600),
        "After a call unanswered for so long the board offers to mark a no-show.",
        default="300",
        unit="s",
    )
    overtake_limit: int = setting(
        "WELNO_OVERTAKE_LIMIT", count_between(1, 100), "Whoever was overtaken so often comes first.", default="5"
    )
    allow_self_registration: bool = setting(
        "WELNO_ALLOW_SELF_REGISTRATION",
        read_boolean,
        "Whoever gives name and full phone number at the login is registered.",
        default="false",
    )
    login_needs_presence: bool = setting(
        "WELNO_LOGIN_NEEDS_PRESENCE",
        read_boolean,
        "Whoever has scanned no tag of the hospital must give the name, too.",
        default="true",
    )
    login_failures_date: str = setting(
        "WELNO_LOGIN_FAILURES_DATE",
        read_rate_limit,
        "Failed logins with one birth date, by pseudonym; those with a scanned tag are counted apart.",
        default="5 per 15 minutes;20 per day",
    )
    login_failures_address: str = setting(
        "WELNO_LOGIN_FAILURES_ADDRESS",
        read_rate_limit,
        "Failed logins from one address; ten times as many from the hospital's networks.",
        default="60 per 15 minutes;200 per day",
    )
    tag_alert: str = setting(
        "WELNO_TAG_ALERT",
        read_rate_limit,
        "More devices than this that scan one tag from outside the hospital's networks mark the tag.",
        default="30 per 10 minutes",
    )
