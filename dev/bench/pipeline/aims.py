"""What a collection may cost beside its peers."""

from collections.abc import Mapping

from dev.bench.pipeline.methods import CELERY_CHAIN, DBOS, WELNO
from dev.bench.results import Metrics

_AIMS = {CELERY_CHAIN: 0.9, DBOS: 0.75}
_WITH_SERVERS = ("cpu_ms", "postgres_ms", "valkey_ms")


def compare_cpu(methods: Mapping[str, Metrics]) -> dict[str, Metrics]:
    """Ours to each of the others': of the processes that do the steps, which is what the aims are for, and with the
    servers' beside. So few sessions that the kernel counted no tick for a method say nothing about it."""
    own = methods[WELNO]
    compared: dict[str, Metrics] = {}
    for name, peer in methods.items():
        if name == WELNO or not peer["cpu_ms"]:
            continue
        ratio = own["cpu_ms"] / peer["cpu_ms"]
        compared[name] = {"cpu_ratio": ratio, "with_servers_ratio": _sum(own) / _sum(peer)}
        if name in _AIMS:
            compared[name] |= {"aim": _AIMS[name], "is_met": ratio <= _AIMS[name]}
    return compared


def _sum(metrics: Metrics) -> float:
    return sum(metrics[name] for name in _WITH_SERVERS)
