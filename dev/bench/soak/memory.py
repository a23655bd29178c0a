"""Whether a process grows: its resident memory over the quarters of a run."""

from collections.abc import Sequence
from statistics import linear_regression, median

from dev.bench.results import Metrics

_MIB = 2**20
# Memory is flat when the last quarter weighs no more than this times the second one: the first still fills caches.
_FLAT = 1.05
MemorySample = tuple[float, float]  # seconds, bytes


def describe_memory(samples: Sequence[MemorySample]) -> Metrics:
    """The second quarter beside the last, and the slope between."""
    quarter = max(len(samples) // 4, 1)
    second = [size for _, size in samples[quarter : 2 * quarter] or samples]
    last = [size for _, size in samples[-quarter:]]
    later = samples[quarter:]
    slope = linear_regression(*zip(*later, strict=True)).slope if len(later) > 1 else 0.0
    return {
        "memory_second_quarter_mib": median(second) / _MIB,
        "memory_last_quarter_mib": median(last) / _MIB,
        "memory_slope_mib_per_hour": slope * 3600 / _MIB,
        "memory_is_flat": median(last) <= _FLAT * median(second),
    }
