"""The checker: do people and lines agree, is every step one of the table, has each visit a chain without a gap.

It reads; `realign` mends what disagrees, through the same change as everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.journey import JourneyState
from models.journey.states import STATES_IN_LINE, expected_state, is_consistent, is_known_step
from services.journey.day_close import closing_time
from services.journey.errors import JourneyError
from services.journey.syncing import realign_journey
from services.journey.work import Journeys, JourneyWork

_MOST_LISTED = 10
_SOURCE = "health_check"
_EVER = datetime(1, 1, 1, tzinfo=UTC)

_PEOPLE = text("""
    select ps.user_id, ps.current_state, q.state, q.joined_at, false as is_of_other_visit
    from welno.patient_states ps
    left join welno.queues q on q.user_id = ps.user_id and q.visit_id = ps.visit_id
    where ps.visit_id is not null or ps.current_state <> 'UNREGISTERED'
    union all
    select ps.user_id, ps.current_state, q.state, q.joined_at, true as is_of_other_visit
    from welno.queues q join welno.patient_states ps using (user_id)
    where q.state in ('waiting', 'delayed', 'called', 'in_progress') and q.visit_id is distinct from ps.visit_id
    order by user_id
""")
_STEPS = text("""
    select from_state, to_state, trigger_type, trigger_source, count(*) as times
    from welno.state_transitions
    where created_at >= :since
    group by from_state, to_state, trigger_type, trigger_source
""")
# From the state before, the first from no visit at all; an ended visit ends there, too.
_GAPS = text("""
    with chain as (
        select t.visit_id, t.from_state, t.to_state,
            lag(t.to_state, 1, 'UNREGISTERED') over (partition by t.visit_id order by t.id) as before,
            row_number() over (partition by t.visit_id order by t.id desc) as from_end
        from welno.state_transitions t join welno.visits v using (visit_id)
        where v.began_at >= :since
    )
    select (select count(*) from chain where from_state <> before) + (
        select count(*)
        from welno.visits v
        left join chain on chain.visit_id = v.visit_id and chain.from_end = 1
        left join welno.patient_states ps on ps.visit_id = v.visit_id
        where v.began_at >= :since
            and coalesce(chain.to_state, '') <> case
                when v.ended_at is null then coalesce(ps.current_state, 'lost') else 'UNREGISTERED' end
    )
""")
_LEFT_OPEN = text("""
    select q.user_id, q.queue_id from welno.queues q join welno.visits v using (visit_id)
    where q.state = 'in_progress' and v.began_at < :moment order by q.started_at
""")
_STATISTICS = text("""
    select (select count(*) from welno.users) as total_patients,
        (select count(*) from welno.queues
         where state in ('waiting', 'delayed', 'called', 'in_progress')) as active_queues
""")
_STATES = text("""
    select coalesce(ps.current_state, 'UNREGISTERED') as current_state, count(*) as people
    from welno.users left join welno.patient_states ps using (user_id) group by 1
""")


@dataclass(frozen=True)
class _Person:
    """`entries_of_other_visits` are active, and stay in their line for ever, as nothing looks at them."""

    user_id: UUID
    state: JourneyState
    entries: list["_Entry"] = field(default_factory=list)
    entries_of_other_visits: list["_Entry"] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        return not self.entries_of_other_visits and is_consistent(self.state, self.entries)


@dataclass(frozen=True)
class _Entry:
    state: str
    joined_at: datetime


@dataclass(frozen=True)
class Inconsistency:
    """A person who is elsewhere than their entries say, or has one outside their visit; `expected` is None where no
    entry of the visit says anything."""

    user_id: UUID
    journey_state: JourneyState
    queue_states: tuple[str, ...]
    expected: JourneyState | None


@dataclass(frozen=True)
class HealthReport:
    """`inconsistent` are all; `left_open` are exams that the day's close found under way."""

    inconsistent: Sequence[Inconsistency]
    orphans: int
    invalid_steps: int
    left_open: Sequence[UUID]
    total_patients: int
    active_queues: int
    state_distribution: dict[str, int]

    @property
    def is_healthy(self) -> bool:
        return not (self.inconsistent or self.orphans or self.invalid_steps or self.left_open)

    @property
    def mismatch_ratio(self) -> float:
        return len(self.inconsistent) / max(sum(self.state_distribution.values()), 1)


def check_health(journey: JourneyWork, since: datetime = _EVER) -> HealthReport:
    """Steps and visits from `since` on; everybody who is in the hospital."""
    session = journey.session
    people = _read_people(session)
    totals = session.execute(_STATISTICS).one()
    counted = {row.current_state: row.people for row in session.execute(_STATES)}
    return HealthReport(
        inconsistent=[_describe(one) for one in people if not one.is_consistent],
        orphans=sum(
            one.state in STATES_IN_LINE and expected_state(one.entries) not in STATES_IN_LINE for one in people
        ),
        invalid_steps=_count_unknown_steps(session, since) + session.execute(_GAPS, {"since": since}).scalar_one(),
        left_open=[row.queue_id for row in session.execute(_LEFT_OPEN, {"moment": closing_time(journey)})],
        total_patients=totals.total_patients,
        active_queues=totals.active_queues,
        state_distribution={str(state): counted.get(state, 0) for state in JourneyState},
    )


def realign(journeys: Journeys, report: HealthReport) -> int:
    """Bring everybody where their entries say, each in a transaction of their own; how many."""
    return sum(journeys.run(partial(_realign_one, user_id=one.user_id)) for one in report.inconsistent)


def run_health_check(journeys: Journeys, *, fix: bool) -> tuple[list[str], bool]:
    """For a command: what to print of everything there is, and whether it is healthy, with `fix` after it."""
    report = journeys.read(check_health)
    lines = health_lines(report)
    if fix and report.inconsistent:
        lines.append(f"realigned {realign(journeys, report)}")
        report = journeys.read(check_health)
        lines += health_lines(report)
    return lines, report.is_healthy


def health_body(report: HealthReport) -> dict[str, Any]:
    """As it is answered. People by their random ids alone, ten at most."""
    return {
        "healthy": report.is_healthy,
        "inconsistencies": {
            "count": len(report.inconsistent),
            "items": [
                {
                    "user_id": str(one.user_id),
                    "journey_state": str(one.journey_state),
                    "queue_states": list(one.queue_states),
                    "expected": one.expected and str(one.expected),
                }
                for one in report.inconsistent[:_MOST_LISTED]
            ],
        },
        "orphans": {"count": report.orphans},
        "invalid_transitions": {"count": report.invalid_steps},
        "left_open": {
            "count": len(report.left_open),
            "items": [str(queue_id) for queue_id in report.left_open[:_MOST_LISTED]],
        },
        "statistics": {
            "total_patients": report.total_patients,
            "active_queues": report.active_queues,
            "state_distribution": report.state_distribution,
        },
    }


def health_lines(report: HealthReport) -> list[str]:
    """For an operator's terminal: one line per finding, and what was counted."""
    lines = [
        f"{one.user_id}  PS {one.journey_state}  Q {','.join(one.queue_states) or '-'}  expected {one.expected or '-'}"
        for one in report.inconsistent[:_MOST_LISTED]
    ]
    lines += [f"{queue_id}  in_progress since before the day's close" for queue_id in report.left_open[:_MOST_LISTED]]
    counts = {
        "inconsistencies": len(report.inconsistent),
        "orphans": report.orphans,
        "invalid_transitions": report.invalid_steps,
        "left_open": len(report.left_open),
        "total_patients": report.total_patients,
        "active_queues": report.active_queues,
        **report.state_distribution,
    }
    return [*lines, *(f"{name} {number}" for name, number in counts.items())]


def _read_people(session: Session) -> list[_Person]:
    """Whoever is in the hospital, with the entries of their visit, and whoever is in a line without being there."""
    people: dict[UUID, _Person] = {}
    for row in session.execute(_PEOPLE):
        person = people.setdefault(row.user_id, _Person(row.user_id, JourneyState(row.current_state)))
        if row.state is not None:
            entries = person.entries_of_other_visits if row.is_of_other_visit else person.entries
            entries.append(_Entry(row.state, row.joined_at))
    return list(people.values())


def _describe(person: _Person) -> Inconsistency:
    states = tuple(entry.state for entry in (*person.entries, *person.entries_of_other_visits))
    return Inconsistency(person.user_id, person.state, states, expected_state(person.entries))


def _count_unknown_steps(session: Session, since: datetime) -> int:
    return sum(
        row.times
        for row in session.execute(_STEPS, {"since": since})
        if not is_known_step(row.from_state, row.to_state, row.trigger_type, row.trigger_source)
    )


def _realign_one(journey: JourneyWork, user_id: UUID) -> bool:
    try:
        return realign_journey(journey, user_id, source=_SOURCE)
    except JourneyError:  # gone meanwhile
        return False
