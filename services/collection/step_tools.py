"""What a process that works on runs has, built once; the handlers of the steps get what they need of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Step
from core.sealing import Sealer
from core.settings import Settings
from services.collection.files_import import FileImporter
from services.collection.paid_calls import PaidCalls
from services.collection.step import StepHandler
from services.collection.steps import build_handlers
from spool import Spool
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient


@dataclass(frozen=True)
class Tools:
    """Of one process."""

    settings: Settings
    clock: Clock
    sealer: Sealer
    sessions: sessionmaker[Session]
    spool: Spool
    calls: PaidCalls
    importer: FileImporter
    tilko: TilkoClient
    mediarc: MediarcClient

    @cached_property
    def handlers(self) -> Mapping[Step, StepHandler]:
        """One per step that a worker does."""
        return build_handlers(
            tilko=self.tilko,
            mediarc=self.mediarc,
            spool=self.spool,
            calls=self.calls,
            importer=self.importer,
            sessions=self.sessions,
            sealer=self.sealer,
            clock=self.clock,
            settings=self.settings,
        )
