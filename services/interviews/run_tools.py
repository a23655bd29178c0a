"""What the steps of a run work with in their process."""

from collections.abc import Callable
from dataclasses import dataclass

from core.clock import Clock
from core.settings import InterviewSettings
from services.delivery.unit_of_work import UnitOfWork
from services.interviews.extraction.reading import ReaderProcesses
from services.interviews.masking.masker import Masker
from spool import StreamedFiles
from upstream.miso.workflows import MisoWorkflows


@dataclass(frozen=True)
class RunTools:
    """Safe to share between threads. `miso` is None where no address or key is set. `forget_stream`: see
    `EventSender.forget`."""

    settings: InterviewSettings
    clock: Clock
    unit_of_work: UnitOfWork
    forget_stream: Callable[[str], bool]
    files: StreamedFiles
    masker: Masker
    miso: MisoWorkflows | None
    readers: ReaderProcesses
    is_stopping: Callable[[], bool]

    def stop_waiting(self) -> None:
        """For a process that was told to stop: wakes the threads that wait for MISO, or for the reader of a file."""
        if self.miso is not None:
            self.miso.abort_all()
        self.readers.kill_all()

    def close(self) -> None:
        if self.miso is not None:
            self.miso.close()


class ProcessStops(Exception):
    """The step has not begun what it would have to wait for: it is to be handed back."""

    retryable = True
