"""What a run came to, fault by fault, and what the checkers found."""

from collections.abc import Mapping, Sequence

from dev.bench.chaos.checker import ViolationKind
from dev.bench.chaos.faults import Injection, Injector
from dev.bench.chaos.recovery import overlaps
from dev.bench.results import Metrics, Results, percentile

_SHOWN = 20


def describe_faults(injections: Sequence[Injection], faults: Mapping[str, Injector]) -> dict[str, Metrics]:
    """By kind. Faults overlap, as one follows another: alone are those with no other within their recovery, and say
    what one of the kind costs."""
    described: dict[str, Metrics] = {}
    for kind, fault in faults.items():
        mine = [injection for injection in injections if injection.kind == kind]
        if not mine:
            continue
        all_of_them = [seconds for injection in mine for seconds in injection.recoveries]
        alone = [
            seconds for injection in mine if not overlaps(injection, injections) for seconds in injection.recoveries
        ]
        described[kind] = {
            "injected": len(mine),
            "recoveries": len(all_of_them),
            "alone": len(alone),
            **({} if fault.aim_seconds is None else {"aim_p99_s": fault.aim_seconds}),
            **_describe(all_of_them, ""),
            **_describe(alone, "alone_"),
            **_describe([one.heal_seconds for one in mine if one.heal_seconds is not None], "healed_"),
        }
    return described


def _describe(seconds: Sequence[float], prefix: str) -> Metrics:
    """Nothing of none."""
    if not seconds:
        return {}
    return {
        f"{prefix}p50_s": percentile(seconds, 0.5),
        f"{prefix}p99_s": percentile(seconds, 0.99),
        f"{prefix}max_s": max(seconds),
    }


def add_violations(results: Results, violations: Mapping[ViolationKind, Sequence[str]]) -> None:
    """Their numbers, and the first of each kind as sentences."""
    results.add("violations", {kind: len(texts) for kind, texts in violations.items()})
    for kind, texts in violations.items():
        for text in texts[:_SHOWN]:
            print(f"    {kind}: {text}")
