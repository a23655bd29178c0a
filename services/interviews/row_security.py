"""Row-level security: PostgreSQL shows and takes only rows of one's own projects, whatever a query forgot to ask.

Row-level security holds for the roles `welno_member` (the projects of `welno.account_id`) and `welno_analyst` (the one
project `welno.project_id`). Both last until the end of the block, or of the transaction, so the pool stays clean. What
it does not stop is SQL that resets the role.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import Clock
from services.delivery.unit_of_work import UnitOfWork, Work

MEMBER_ROLE, ANALYST_ROLE = "welno_member", "welno_analyst"
# One statement, as each costs a round trip. `true`: for this transaction alone.
_ENTER = text("select set_config('role', :role, true), set_config(:name, :value, true)")
_LEAVE = text("select set_config('role', 'none', true), set_config(:name, '', true)")


@dataclass(frozen=True)
class MemberWork:
    """What one account does in one unit; `session` is under row-level security. `now` is one moment for all of it."""

    work: Work
    account_id: UUID
    now: datetime
    request_id: str

    @property
    def session(self) -> Session:
        return self.work.session


class MemberUnitOfWork:
    """Opens units for accounts; built once by each process."""

    def __init__(self, unit_of_work: UnitOfWork, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    @contextmanager
    def __call__(self, account_id: UUID, request_id: str = "") -> Iterator[MemberWork]:
        with self._unit_of_work() as work, self.enter(work, account_id, request_id) as member:
            yield member

    @contextmanager
    def reading(self, account_id: UUID) -> Iterator[MemberWork]:
        """What changes nothing: all its statements see the same moment."""
        with self._unit_of_work.reading() as work, self.enter(work, account_id) as member:
            yield member

    @contextmanager
    def enter(self, work: Work, account_id: UUID, request_id: str = "") -> Iterator[MemberWork]:
        """Under row-level security for a part of a unit, such as what lies between an idempotency key and its reply."""
        with _as(work.session, MEMBER_ROLE, "welno.account_id", account_id):
            yield MemberWork(work, account_id, self._clock.now(), request_id)


@contextmanager
def as_analyst(session: Session, project_id: UUID) -> Iterator[None]:
    """For workers: one project."""
    with _as(session, ANALYST_ROLE, "welno.project_id", project_id):
        yield


@contextmanager
def _as(session: Session, role: str, name: str, value: UUID) -> Iterator[None]:
    session.execute(_ENTER, {"role": role, "name": name, "value": str(value)})
    yield
    # Reached only without an error: after one the transaction is rolled back, and the role with it.
    session.flush()
    session.execute(_LEAVE, {"name": name})
