"""What the relay counts for /metrics. No label carries a session, a person or an address."""

from prometheus_client import Counter, Gauge, Histogram

SOCKETS = Gauge("welno_relay_sockets", "Open WebSockets of this process.", multiprocess_mode="livesum")
STREAMS = Gauge("welno_relay_sse_streams", "Open SSE answers of this process.", multiprocess_mode="livesum")
SUBSCRIPTIONS = Gauge(
    "welno_relay_subscriptions", "Readers of any kind that follow a stream.", multiprocess_mode="livesum"
)
READERS = Gauge(
    "welno_relay_readers",
    "The same by the kind of what they follow.",
    ["stream"],
    multiprocess_mode="livesum",
)
RECONNECTS = Counter(
    "welno_relay_reconnects_total", "Readers of server-sent events that came with a position, by kind.", ["stream"]
)
CHANNELS = Gauge("welno_relay_channels", "Streams this process is subscribed to.", multiprocess_mode="livesum")
EVENTS_IN = Counter("welno_relay_events_in_total", "Events received from Redis.")
EVENTS_OUT = Counter("welno_relay_events_out_total", "Events handed to readers.", ["transport"])
BYTES_OUT = Counter("welno_relay_bytes_out_total", "Bytes written to WebSockets.")
WRITES = Counter("welno_relay_writes_total", "System calls that wrote to WebSockets.")
MESSAGES_IN = Counter("welno_relay_messages_in_total", "Messages of clients.", ["type"])
CLOSED = Counter(
    "welno_relay_closed_total",
    "Connections ended, by close code or the reason without one.",
    ["transport", "reason"],
)
REAUTHORIZED = Counter("welno_relay_reauthorized_total", "Rights looked up again, and answered.")
REFUSED = Counter("welno_relay_refused_total", "Readers turned away, by the limit reached.", ["scope"])
RECOVERED = Counter(
    "welno_relay_recovered_total", "Recoveries of a channel by a read of its stream, by how they ended.", ["outcome"]
)
LINK_LOST = Counter("welno_relay_link_lost_total", "Times the subscription to Redis broke.")
WAITING_EVENTS = Gauge("welno_relay_waiting_events", "Events that wait for their readers.", multiprocess_mode="livesum")
WAITING_BYTES = Gauge("welno_relay_waiting_bytes", "The same in bytes.", multiprocess_mode="livesum")
LONGEST_QUEUE = Gauge(
    "welno_relay_longest_queue_bytes", "Most that waited for one reader lately.", multiprocess_mode="livemax"
)
DELAY = Histogram(
    "welno_relay_append_to_write_seconds",
    "From the append in Redis to the write to a reader (clocks of two machines, if they are two).",
    ["transport"],
    buckets=[0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
)


def kind_of(subject: str) -> str:
    """As a label: of `project:{id}` the part that names nobody."""
    kind, separator, _ = subject.partition(":")
    return kind if separator else "other"
