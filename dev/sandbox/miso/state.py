"""Everything of MISO that a reset forgets."""

from dataclasses import dataclass, field

from dev.sandbox.miso.calls import MisoCalls
from dev.sandbox.miso.conversations import Conversations
from dev.sandbox.miso.documents import Documents
from dev.sandbox.miso.runs import WorkflowRuns


@dataclass(slots=True)
class MisoState:
    calls: MisoCalls = field(default_factory=MisoCalls)
    runs: WorkflowRuns = field(default_factory=WorkflowRuns)
    conversations: Conversations = field(default_factory=Conversations)
    documents: Documents = field(default_factory=Documents)
