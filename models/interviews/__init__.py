"""Interviews: projects and who is in them, what was uploaded, what MISO made of it, and the run that leads there."""

from models.interviews.conversations import Conversation
from models.interviews.costs import MisoCost
from models.interviews.counts import InterviewCount
from models.interviews.highlights import Highlight
from models.interviews.insights import Insight, InsightKind
from models.interviews.interviews import (
    RESULT_COLUMNS,
    Interview,
    InterviewSource,
    InterviewStatus,
)
from models.interviews.knowledge import KnowledgeEntry
from models.interviews.original_reads import OriginalRead
from models.interviews.projects import (
    KeyTakeaway,
    PersonaCombination,
    Project,
    ProjectMember,
    ProjectRole,
    ScriptSection,
)
from models.interviews.runs import InterviewRun, InterviewRunState, InterviewStep
from models.interviews.status_changes import STATUS_CHANGES, may_change
from models.interviews.unsettled_calls import UnsettledCall
from models.interviews.utterances import IndexedUtterance

__all__ = [
    "RESULT_COLUMNS",
    "STATUS_CHANGES",
    "Conversation",
    "Highlight",
    "IndexedUtterance",
    "Insight",
    "InsightKind",
    "Interview",
    "InterviewCount",
    "InterviewRun",
    "InterviewRunState",
    "InterviewSource",
    "InterviewStatus",
    "InterviewStep",
    "KeyTakeaway",
    "KnowledgeEntry",
    "MisoCost",
    "OriginalRead",
    "PersonaCombination",
    "Project",
    "ProjectMember",
    "ProjectRole",
    "ScriptSection",
    "UnsettledCall",
    "may_change",
]
