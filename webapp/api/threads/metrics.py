"""What the threads' edge counts for /metrics. No label carries a thread, a member or a device."""

from prometheus_client import Counter, Histogram

ENVELOPES = Counter("welno_thread_envelopes_total", "Envelopes pushed, by what came of each.", ["outcome"])
COMMIT_SECONDS = Histogram(
    "welno_thread_commit_seconds",
    "From the first lock of a push to its items in their streams.",
    buckets=[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
)
DELIVERY_SECONDS = Histogram(
    "welno_thread_delivery_seconds",
    "From an envelope's receivedAt to the write to a reader who is live.",
    ["transport"],
    buckets=[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
)
GAPS = Counter("welno_thread_gaps_total", "Envelopes taken before earlier ones of their device.")
BEHIND = Counter("welno_thread_behind_total", "Numbers that were not in their streams when their push was answered.")
PRESSURE = Counter("welno_thread_backpressure_total", "Pushes, by the pace that they were told.", ["level"])
ITEMS_READ = Counter("welno_thread_items_read_total", "Items read from the table, by the route.", ["route"])
