"""What the journey's edge counts for /metrics. No label carries a person, a tag or an address."""

from prometheus_client import Counter

LOGINS = Counter("welno_journey_logins_total", "Logins of patients, by how they ended.", ["outcome"])
LOGIN_FAILURES = Counter(
    "welno_journey_login_failures_total", "Logins of patients with digits or a birth date that fit nobody."
)
REFRESH_REUSED = Counter(
    "welno_journey_refresh_reuse_total", "Refresh tokens shown again after their exchange, each the end of its login."
)
TAGS = Counter("welno_journey_tags_total", "Scans of tags, by what came of them.", ["action"])
