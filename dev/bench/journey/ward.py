"""The hospital of the bench: as many lines as wanted, people who wait in them already, and those who act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from dev.bench.chaos.workloads.journey.hospital import TAG_CODE, ActorLogin, WorkloadHospital
from models.journey import Display, Exam, JourneyAction
from services.journey.hospital import hash_display_key

HALL_ID, HALL_KEY = "BENCH", "a key for the bench's hall"
_TITLE = "시연 대기"
# In one statement: what happened before the bench is not worth a transaction for each of thousands. Their waits are
# those that the estimator tells, or all of them would have to be told anew.
_FILL_LINES = text("""
    with people as materialized (
        select gen_random_uuid() as user_id, gen_random_uuid() as visit_id, i, 'BENCH-' || i % :lines as exam_id,
            i / :lines + 1 as number
        from generate_series(0, :people - 1) i
    ), users as (
        insert into welno.users (user_id, name, phone, phone_hash, login_hash, birth_date)
        select user_id, '시연', '', 'bench-' || i, 'bench-' || i, '' from people
    ), visits as (
        insert into welno.visits (visit_id, user_id, began_at) select visit_id, user_id, now() from people
    ), states as (
        insert into welno.patient_states (user_id, current_state, visit_id)
        select user_id, 'WAITING', visit_id from people
    ), counters as (
        insert into welno.queue_counters (exam_id, service_date, last_number, last_place)
        select exam_id, :today, max(number), max(number) from people group by exam_id
    )
    insert into welno.queues (queue_id, user_id, visit_id, exam_id, service_date, queue_number, place, place_since,
        state, joined_at, told_position, estimated_wait_time)
    select gen_random_uuid(), user_id, visit_id, exam_id, :today, number, number, now(), 'waiting', now(), number,
        10 * (number - 1)
    from people
""")


@dataclass(frozen=True)
class Walker:
    """Somebody who comes in, registers and joins the line of `exam_id`."""

    login: ActorLogin = field(repr=False)
    exam_id: str

    @property
    def user_id(self) -> UUID:
        return self.login.principal_id

    def steps(self) -> list[tuple[JourneyAction, dict[str, str]]]:
        return [
            (JourneyAction.SCAN_NFC, {"tag_code": TAG_CODE}),
            (JourneyAction.REGISTER, {}),
            (JourneyAction.CONFIRM_ARRIVAL, {"exam_id": self.exam_id}),
        ]


class BenchWard:
    """Made by the product's own services, the people who only wait by one statement."""

    def __init__(self, env: Mapping[str, str], *, lines: int, waiting: int) -> None:
        self.hospital = WorkloadHospital(env)
        self.stores = self.hospital.stores
        self.exam_ids: Sequence[str] = [f"BENCH-{number}" for number in range(lines)]
        self._people = 0
        self.hospital.furnish()
        self._add_lines()
        today = self.stores.journeys.run(lambda journey: journey.today)
        if waiting:
            with self.stores.unit_of_work() as work:
                work.session.execute(_FILL_LINES, {"lines": lines, "people": waiting, "today": today})
        self.desk = self.hospital.add_staff(0)

    def add_walkers(self, count: int) -> list[Walker]:
        """Spread over the lines."""
        first, self._people = self._people, self._people + count
        numbers = range(first, first + count)
        return [
            Walker(self.hospital.add_patient(number), self.exam_ids[number % len(self.exam_ids)]) for number in numbers
        ]

    def close(self) -> None:
        self.hospital.close()

    def _add_lines(self) -> None:
        with self.stores.unit_of_work() as work:
            for exam_id in self.exam_ids:
                work.session.add(Exam(exam_id=exam_id, title=_TITLE, display_title=exam_id, room_id="R-901"))
            key_hash = hash_display_key(HALL_KEY)
            display = Display(display_id=HALL_ID, title=_TITLE, exam_ids=list(self.exam_ids), key_hash=key_hash)
            work.session.add(display)
