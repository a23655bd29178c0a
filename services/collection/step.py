"""What a step of the collection is: what it says when it begins, what it does, what it writes, how it gives up."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Status, Step
from core.sealing import Sealer
from core.settings import Settings
from models.collection import CollectionRun
from services.collection.failures import Failure
from services.collection.files_import import FileImporter
from services.delivery.unit_of_work import Work
from services.patients.identity import Identity
from spool import Spool
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient
from upstream.tilko.codec import AuthTokens, TilkoPerson


@dataclass(frozen=True)
class Tools:
    """What the steps work with, built once per worker process."""

    settings: Settings
    clock: Clock
    sealer: Sealer
    sessions: sessionmaker[Session]
    spool: Spool
    importer: FileImporter
    tilko: TilkoClient
    mediarc: MediarcClient


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
    identity: Identity = field(repr=False)
    auth: AuthTokens | None = field(repr=False)

    @property
    def tokens(self) -> AuthTokens:
        """Those of the authentication that the phone has approved."""
        if self.auth is None:
            raise AssertionError("no step that asks for data comes before the authentication")
        return self.auth

    @cached_property
    def person(self) -> TilkoPerson:
        """The person as Tilko wants them."""
        return TilkoPerson(
            user_name=self.identity.user_name,
            birthdate=self.identity.birthdate.strftime("%Y%m%d"),
            phone_no=self.identity.phone_no,
            private_auth_type=self.identity.private_auth_type,
        )


@dataclass
class Settled:
    """What a commit brought about: the steps that it ended, and the claim of the next one, if that follows here."""

    done: list[Step]
    following: Claim | None


class Verdict(Enum):
    """What becomes of a run whose step failed for good."""

    GO_ON = "go_on"  # the next step follows
    WAIT_FOR_PHONE = "wait_for_phone"  # back to the poller
    STOP = "stop"  # resumable by the person or an operator
    END = "end"  # a new session is needed


class Behaviour:
    """One step. `perform` works outside of any transaction; all else runs in the one that moves the run."""

    step: ClassVar[Step]
    # After so long a step counts as hung, its process notwithstanding.
    limit_seconds: ClassVar[float] = 60
    begin_status: ClassVar[Status | None] = None
    # Performs nothing: it can be done in the transaction that ends the step before.
    only_rows: ClassVar[bool] = False

    def begin(self, work: Work, run: CollectionRun, now: datetime) -> None:
        """Say that the step begins. Once per step, however often it is tried."""

    def perform(self, tools: Tools, claim: Claim) -> Any:
        """Do the work; its result goes to `finish`. Raises errors that know whether a retry helps."""

    def finish(self, work: Work, run: CollectionRun, result: Any, *, tools: Tools, claim: Claim) -> None:
        """Write rows, fields and events."""

    def give_up(self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime) -> Verdict:
        """Say that the step failed for good, and decide what follows."""
        raise NotImplementedError
