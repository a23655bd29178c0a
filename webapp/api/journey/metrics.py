"""What the journey's edge counts for /metrics. No label carries a person, a tag or an address."""

from prometheus_client import Counter, Histogram

LOGINS = Counter("welno_journey_logins_total", "Logins of patients, by how they ended.", ["outcome"])
LOGIN_FAILURES = Counter(
    "welno_journey_login_failures_total", "Logins of patients with digits or a birth date that fit nobody."
)
REFRESH_REUSED = Counter(
    "welno_journey_refresh_reuse_total", "Refresh tokens shown again after their exchange, each the end of its login."
)
TAGS = Counter("welno_journey_tags_total", "Scans of tags, by what came of them.", ["action"])
TAG_ALERTS = Counter(
    "welno_journey_tag_alerts_total", "Scans of tags that more devices outside the hospital scan than should."
)
ACTIONS = Counter(
    "welno_journey_actions_total",
    "Actions and what desks do with entries, over HTTP and sockets, by how they ended.",
    ["action", "role", "outcome"],
)
ACTION_SECONDS = Histogram(
    "welno_journey_action_seconds",
    "From the request to the commit of an action.",
    ["action"],
    buckets=[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
)
CLIENT_ERRORS = Counter("welno_journey_client_errors_total", "Errors that pages reported of themselves.", ["kind"])
CLIENT_SECONDS = Histogram(
    "welno_journey_client_seconds",
    "How long pages waited for a call.",
    ["call", "outcome"],
    buckets=[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
)
