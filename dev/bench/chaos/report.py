"""The table of blows and recoveries, and the line of JSON below it."""

import json
from collections.abc import Sequence
from statistics import quantiles

from dev.bench.chaos.blows import Blow, Kind
from dev.bench.chaos.verdict import Verdict
from dev.bench.chaos.witness import Change

_LONGEST = 120.0


def measure(blows: Sequence[Blow], stories: dict[str, list[Change]]) -> None:
    """Give each blow its recoveries: of each run that it tore from a process, and of the probe sent after it."""
    for blow in blows:
        since = blow.measured_from
        if blow.pids:
            blow.samples += [again - since for again in _taken_again(blow, stories)]
        if blow.probe is not None:
            first = _first_step(stories.get(blow.probe.session_id, []))
            blow.samples.append(first - since if first is not None else _LONGEST)


def _taken_again(blow: Blow, stories: dict[str, list[Change]]) -> list[float]:
    moments = []
    for story in stories.values():
        before = [change for change in story if change.at <= blow.at]
        if not before or before[-1].owner_pid not in blow.pids or before[-1].run_state not in ("running", "waiting"):
            continue
        held = before[-1]
        later = [change for change in story[len(before) :] if change.at > blow.at]
        if later and later[0].fence == held.fence and later[0].run_state != "waiting":
            continue  # what it had done just then was committed: nothing was torn off
        moments.append(next((c.at for c in later if _goes_on(c, held)), blow.at + _LONGEST))
    return moments


def _goes_on(change: Change, held: Change) -> bool:
    if held.run_state == "waiting":
        return change.fence > held.fence or change.run_state != "waiting"
    return change.run_state == "ended" or (change.run_state == "running" and change.fence > held.fence + 1)


def _first_step(story: Sequence[Change]) -> float | None:
    return next((change.at for change in story if change.run_state == "running"), None)


def percentile(samples: Sequence[float], share: int) -> float:
    """The sample below which so many of a hundred lie."""
    if len(samples) == 1:
        return samples[0]
    return quantiles(sorted(samples), n=100, method="inclusive")[share - 1]


def overlaps(blow: Blow, blows: Sequence[Blow]) -> bool:
    """Whether another blow fell, or was still at work, while this one was being recovered from."""
    begin, end = blow.at, blow.measured_from + max(blow.samples, default=0)
    return any(
        other is not blow and other.at <= end and max(other.at, other.over_at or other.at) >= begin for other in blows
    )


def print_report(blows: Sequence[Blow], verdict: Verdict, left: Sequence[str], seed: int) -> None:
    print(f"\n{'blow':<30}{'times':>6}{'torn':>6}{'p50 s':>8}{'p99 s':>8}{'max s':>8}{'alone: n':>10}{'p99 s':>8}")
    p99: dict[str, float] = {}
    alone_p99: dict[str, float] = {}
    for kind in Kind:
        mine = [blow for blow in blows if blow.kind is kind]
        samples = [sample for blow in mine for sample in blow.samples]
        alone = [sample for blow in mine if not overlaps(blow, blows) for sample in blow.samples]
        line = f"{kind:<30}{len(mine):>6}{len(samples):>6}"
        if samples:
            p99[kind] = round(percentile(samples, 99), 2)
            line += f"{percentile(samples, 50):>8.2f}{p99[kind]:>8.2f}{max(samples):>8.2f}{len(alone):>10}"
        if alone:
            alone_p99[kind] = round(percentile(alone, 99), 2)
            line += f"{alone_p99[kind]:>8.2f}"
        if mine:
            print(line)
    print(
        f"\n{verdict.sessions} sessions ended, {verdict.abandoned} were never promised to anybody;"
        f" {verdict.billed} data calls were billed, {verdict.lost_in_flight} of their answers never reached us;"
        f" {verdict.rows} rows; {verdict.resyncs} times a client was told to start anew"
    )
    for title, findings in (("lost", verdict.lost), ("doubled", verdict.doubled), ("left over", left)):
        print(f"{title}: {len(findings)}")
        for finding in findings[:20]:
            print(f"    {finding}")
    figures = {
        "kills": len(blows),
        "sessions": verdict.sessions,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "left_over": len(left),
        "lost_in_flight": verdict.lost_in_flight,
        "recovery_p99_seconds": p99,
        "recovery_p99_seconds_alone": alone_p99,
        "seed": seed,
    }
    print(json.dumps(figures))
