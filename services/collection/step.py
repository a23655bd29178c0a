"""What a step of the collection is: what it says when it starts, what it does, what it writes, how it fails."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from core.names import Status, Step
from models.collection import CollectionRun
from services.collection.call_turn import CallTurn
from services.collection.failures import Failure
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity
from upstream.tilko.codec import AuthTokens, TilkoPerson


@dataclass(frozen=True)
class Claim:
    """A run held by this process, as of the moment it was taken. Only the fence's holder may move the run."""

    session_id: UUID
    step: Step
    fence: int
    attempt: int
    request_id: str
    started_at: datetime
    hospital_id: str
    patient_uuid: UUID | None
    health_count: int | None
    health_failed: bool
    prescription_count: int | None
    turn: CallTurn = field(compare=False)
    consents_until: datetime | None
    approve_by: datetime | None
    identity: Identity = field(repr=False)
    auth: AuthTokens | None = field(repr=False)
    # The row as of the last commit, of whoever goes on with it; who only polls has none.
    run: CollectionRun | None = field(default=None, repr=False, compare=False)

    @property
    def tokens(self) -> AuthTokens:
        """Those of the authentication that the phone has approved."""
        if self.auth is None:
            raise AssertionError("no step that asks for data comes before the authentication")
        return self.auth

    @property
    def session_started_at(self) -> datetime:
        """The same for every try: what is asked for hangs on it, and what an answer is taken to be about."""
        if self.run is None:
            raise AssertionError("a step that asks for data is claimed with its run")
        return self.run.created_at

    @cached_property
    def person(self) -> TilkoPerson:
        """The person as Tilko wants them."""
        return TilkoPerson(
            user_name=self.identity.user_name,
            birthdate=self.identity.birthdate.strftime("%Y%m%d"),
            phone_no=self.identity.phone_no,
            private_auth_type=self.identity.private_auth_type,
        )


def request_of(claim: Claim) -> str | None:
    """By which the answers to two requests on one phone are told apart: until when its request can be approved."""
    return claim.approve_by.isoformat() if claim.approve_by is not None else None


@dataclass
class Settled:
    """What a commit brought about: the steps that it ended, and the claim of the next one, if that follows here."""

    done: list[Step]
    following: Claim | None


@dataclass(frozen=True)
class FailedStep:
    """What a failure brought about: the claim of the next step, when the chain goes on without this one; or that it is
    tried again."""

    following: Claim | None
    is_retried: bool


class AfterFailure(Enum):
    """What becomes of a run whose step failed for good."""

    CONTINUE = "continue"  # the next step follows
    STOP = "stop"  # resumable by the person or an operator
    END = "end"  # a new session is needed


class StepHandler:
    """One step, built with what it needs. `run` works outside of any transaction; all else runs in the one that moves
    the run on, and changes the run in memory: it is written once, at the end."""

    step: ClassVar[Step]
    # After so long a step counts as hung, its process notwithstanding.
    limit_seconds: float = 60
    # How long its paid call may be under way, from the start of the step; 0 where it makes none.
    call_seconds: float = 0
    start_status: ClassVar[Status | None] = None
    # Does nothing in `run`: it can be done in the transaction that ends the step before.
    only_rows: ClassVar[bool] = False

    def on_start(self, work: Work, run: CollectionRun, now: datetime) -> None:
        """Say that the step starts. Once per step, however often it is tried."""

    def run(self, claim: Claim) -> Any:
        """Do the work; its result goes to `on_success`. Raises errors that know whether a retry helps."""

    def on_success(self, work: Work, run: CollectionRun, result: Any, *, claim: Claim, now: datetime) -> None:
        """Write rows, fields and events."""

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        """Say that the step failed for good, and decide what follows."""
        raise NotImplementedError
