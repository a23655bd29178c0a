"""The group of the threads: how large, how many, how often, and for how long."""

from dataclasses import dataclass

from core.settings.readers import count_between, read_rate_limit
from core.settings.variables import setting

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ThreadSettings:
    """Encrypted threads between the browsers of patients and staff."""

    payload_max_bytes: int = setting(
        "WELNO_THREADS_PAYLOAD_MAX_BYTES",
        count_between(1024, 40_960),
        "Longest ciphertext of an envelope: with its item it fits the relay's 64 KiB.",
        default="40960",
        unit="bytes",
    )
    batch_max: int = setting(
        "WELNO_THREADS_BATCH_MAX", count_between(1, 100), "Most envelopes of one push.", default="100"
    )
    rate: str = setting(
        "WELNO_THREADS_RATE",
        read_rate_limit,
        "How many envelopes a device may push, over all web processes.",
        default="200 per 4 seconds",
    )
    act_limit: str = setting(
        "WELNO_THREADS_ACT_LIMIT",
        read_rate_limit,
        "How often a member may read, acknowledge, follow and change keys and members: what holds a thread's row.",
        default="1200 per minute",
    )
    create_limit: str = setting(
        "WELNO_THREADS_CREATE_LIMIT",
        read_rate_limit,
        "How many threads a member may make; the same request again counts nothing.",
        default="600 per hour",
    )
    window_items: int = setting(
        "WELNO_THREADS_WINDOW_ITEMS",
        count_between(1, 10_000),
        "Newest items of a thread that Redis keeps; older ones are read from PostgreSQL.",
        default="500",
    )
    window_bytes: int = setting(
        "WELNO_THREADS_WINDOW_BYTES",
        count_between(64 * 1024, 64 * _MIB),
        "The same in bytes.",
        default=str(2 * _MIB),
        unit="bytes",
    )
    window_seconds: int = setting(
        "WELNO_THREADS_WINDOW_SECONDS",
        count_between(60, 31 * 86_400),
        "How long Redis keeps them after the last one came.",
        default="86400",
        unit="s",
    )
    keep_days: int = setting(
        "WELNO_THREADS_KEEP_DAYS",
        count_between(1, 36_500),
        "How long payloads are kept; numbers and what prevents doubles stay.",
        default="3650",
        unit="days",
    )
    members_max: int = setting(
        "WELNO_THREADS_MEMBERS_MAX", count_between(2, 100), "Most members of a thread.", default="20"
    )
    devices_max: int = setting(
        "WELNO_THREADS_DEVICES_MAX",
        count_between(1, 50),
        "Most devices of a member that are not revoked.",
        default="10",
    )
    blob_max_bytes: int = setting(
        "WELNO_THREADS_BLOB_MAX_BYTES",
        count_between(65_536, 20 * _MIB),
        "Longest picture or report, before it is encrypted.",
        default=str(20 * _MIB),
        unit="bytes",
    )
    member_blobs_max_bytes: int = setting(
        "WELNO_THREADS_MEMBER_BLOBS_MAX_BYTES",
        count_between(_MIB, 1024 * 1024 * _MIB),
        "How much of the disk one member's pictures and reports may take, in all threads together.",
        default=str(2048 * _MIB),
        unit="bytes",
    )
    subscriptions_max: int = setting(
        "WELNO_THREADS_SUBSCRIPTIONS_MAX", count_between(1, 1000), "Most threads of one WebSocket.", default="200"
    )
    key_grace_seconds: int = setting(
        "WELNO_THREADS_KEY_GRACE_SECONDS",
        count_between(0, 31 * 86_400),
        "How long envelopes under the key before the newest are still taken, when nobody was removed.",
        default="86400",
        unit="s",
    )
    push_pass_days: int = setting(
        "WELNO_THREADS_PUSH_PASS_DAYS",
        count_between(1, 90),
        "How long a device may push what it has queued after its holder's login has ended.",
        default="14",
        unit="days",
    )
