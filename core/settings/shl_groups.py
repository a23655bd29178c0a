"""The group of SMART Health Links: how many, how often, and for how long."""

from dataclasses import dataclass

from core.settings.readers import count_between, read_rate_limit
from core.settings.variables import setting


@dataclass(frozen=True, kw_only=True)
class HealthLinkSettings:
    """SMART Health Links, by which patients show a doctor encrypted records."""

    links_max: int = setting(
        "WELNO_SHL_LINKS_MAX", count_between(1, 1000), "Most links of a patient that are active.", default="20"
    )
    make_limit: str = setting(
        "WELNO_SHL_MAKE_LIMIT",
        read_rate_limit,
        "How often a patient may make links, or replace their files.",
        default="60 per hour",
    )
    fetch_limit: str = setting(
        "WELNO_SHL_FETCH_LIMIT",
        read_rate_limit,
        "How often a link may be asked for its manifest or its file, by all together.",
        default="120 per minute",
    )
    location_seconds: int = setting(
        "WELNO_SHL_LOCATION_SECONDS",
        count_between(10, 3600),
        "How long the location of a file may be taken, once; the specification wants an hour at most.",
        default="600",
        unit="s",
    )
    keep_days: int = setting(
        "WELNO_SHL_KEEP_DAYS",
        count_between(1, 3650),
        "How long the patient is shown a link that has ended, with who fetched it; its files go within ten minutes,"
        " and at once when the patient ends it.",
        default="90",
        unit="days",
    )
