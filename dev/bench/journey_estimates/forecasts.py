"""What the product's estimator tells each simulated person on joining, from what it could know at that moment."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dev.bench.journey_estimates.queueing import QueueModel, SimulatedVisit
from services.journey.estimates import BAND_SHARES, RECENT_CALLS, RECENT_EXAMS, Estimate, Estimator, LineRates


@dataclass(frozen=True)
class Forecast:
    """What was told beside what came; `peer_minutes` is (ahead+1)*s/c with the rates of the model itself."""

    estimate: Estimate
    peer_minutes: float
    wait_minutes: float


@dataclass
class LineHistory:
    """One line as of the last moment it was moved to."""

    model: QueueModel
    _waiting: deque[tuple[float, float | None]] = field(default_factory=deque)
    _inside: list[tuple[float, float]] = field(default_factory=list)
    _exams: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_EXAMS))
    _ratios: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_CALLS))

    @property
    def ahead(self) -> int:
        return len(self._waiting)

    def move_to(self, now: float) -> None:
        """Take in who was called and which exams ended until then."""
        while self._waiting and self._waiting[0][0] <= now:
            _, ratio = self._waiting.popleft()
            if ratio is not None:
                self._ratios.append(ratio)
        while self._inside and self._inside[0][0] <= now:
            self._exams.append(heapq.heappop(self._inside)[1])

    def join(self, visit: SimulatedVisit, predicted_minutes: int) -> None:
        """A prediction of no wait at all has no ratio to what came."""
        ratio = visit.wait_minutes / predicted_minutes if predicted_minutes else None
        self._waiting.append((visit.started_at, ratio))
        heapq.heappush(self._inside, (visit.ended_at, visit.exam_minutes))

    def rates(self) -> LineRates:
        return LineRates(
            exam_count=len(self._exams),
            mean_minutes=sum(self._exams) / len(self._exams) if self._exams else None,
            average_minutes=self.model.exam_minutes,
            call_count=len(self._ratios),
            ratios=_band_ratios(self._ratios) if self._ratios else None,
            desks=self.model.desks,
            busy=len(self._inside) - len(self._waiting),
        )


def forecast(model: QueueModel, estimator: Estimator, visits: Iterable[SimulatedVisit]) -> Iterator[Forecast]:
    """One per visit, in their order."""
    line = LineHistory(model)
    for visit in visits:
        line.move_to(visit.joined_at)
        estimate = estimator.estimate(line.rates(), line.ahead)
        peer_minutes = (line.ahead + 1) * model.exam_minutes / model.desks
        line.join(visit, estimate.minutes)
        yield Forecast(estimate, peer_minutes, visit.wait_minutes)


def _band_ratios(ratios: Iterable[float]) -> tuple[float, float]:
    """Interpolated, as PostgreSQL's percentile_cont does."""
    ordered = sorted(ratios)
    low, high = (_interpolate(ordered, share) for share in BAND_SHARES)
    return low, high


def _interpolate(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
