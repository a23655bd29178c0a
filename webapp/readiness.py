"""Asks every part that a request needs whether it is ready: within a deadline, and at a bounded cost."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.logs import get_logger

log = get_logger(__name__)

OK = "ok"
NO_ANSWER = "no answer"
_WITHIN_SECONDS = 2.0
_REUSED_SECONDS = 1.0


@dataclass(frozen=True)
class Probe:
    """`run` gives a word for each of the parts: `ok`, or what is wrong. It may block; it should not raise."""

    parts: tuple[str, ...]
    run: Callable[[], Mapping[str, str]]


class Readiness:
    """However often it is asked: one check runs at a time in this process, and its answer serves for a second."""

    def __init__(
        self,
        probes: Sequence[Probe],
        *,
        within_seconds: float = _WITHIN_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probes = probes
        self._within_seconds = within_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._runs: dict[Probe, ProbeRun] = {}
        self._answer: Mapping[str, str] = {}
        self._answered_at = float("-inf")

    def check(self) -> Mapping[str, str]:
        """A word for each part, at most a second old; who comes during a check waits for it."""
        with self._lock:
            if self._monotonic() - self._answered_at > _REUSED_SECONDS:
                self._answer = self._ask_all()
                self._answered_at = self._monotonic()
            return self._answer

    def _ask_all(self) -> Mapping[str, str]:
        runs = [self._run_of(probe) for probe in self._probes]
        ends_at = time.monotonic() + self._within_seconds
        answer: dict[str, str] = {}
        for run in runs:
            answer |= run.answer_within(ends_at - time.monotonic())
        if any(word != OK for word in answer.values()):
            log.warning("not_ready", **{part: word for part, word in answer.items() if word != OK})
        return answer

    def _run_of(self, probe: Probe) -> "ProbeRun":
        """The one that still hangs from an earlier check, rather than another beside it."""
        before = self._runs.get(probe)
        if before is None or before.has_ended:
            self._runs[probe] = ProbeRun(probe)
        return self._runs[probe]


class ProbeRun:
    """One probe under way, in a thread of its own: a store that hangs must not hang whoever asks."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._answer: Mapping[str, str] = dict.fromkeys(probe.parts, NO_ANSWER)
        self._ended = threading.Event()
        threading.Thread(target=self._work, name="readiness", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def answer_within(self, seconds: float) -> Mapping[str, str]:
        self._ended.wait(max(seconds, 0))
        return self._answer

    def _work(self) -> None:
        try:
            self._answer = self._probe.run()
        except Exception:
            log.exception("readiness_probe_broke", parts=self._probe.parts)
            self._answer = dict.fromkeys(self._probe.parts, "failed")
        finally:
            self._ended.set()
