"""Why the interviews refuse. Each error carries the code of the one table of codes, and the facts that go with it.

Errors: InterviewsError (not retryable)
    ProjectNotFound, InterviewNotFound, MemberNotFound, PersonaNotFound, ConversationNotFound, RoleTooSmall
    HighlightNotFound, TextRefused, NoInterviews, InsightUnderWay
    ConsentMissing, BudgetSpent, NotFailed, NotDeleted, UnderWay, NoKeptAnswer, LastAdmin
    ChatNotConfigured
    ChatFailed          nothing (more) comes of an answer; `code` says why
        ChatRejected, ChatUnavailable, ChatLost, ChatTimedOut, ChatInvalid
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class InterviewsError(Exception):
    """Nothing was written."""

    retryable = False
    code: ClassVar[str]

    def __init__(self, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.code)
        self.details = details


class ProjectNotFound(InterviewsError):
    """Unknown, or not theirs: they look alike."""

    code = "PROJECT_NOT_FOUND"


class InterviewNotFound(InterviewsError):
    """The same."""

    code = "INTERVIEW_NOT_FOUND"


class MemberNotFound(InterviewsError):
    """Nobody of the company has this e-mail, or nobody of the project this id."""

    code = "ACCOUNT_NOT_FOUND"


class PersonaNotFound(InterviewsError):
    """Unknown, or of no company in which they have a project."""

    code = "PERSONA_NOT_FOUND"


class ConversationNotFound(InterviewsError):
    """Unknown, of another account, or with another persona."""

    code = "CONVERSATION_NOT_FOUND"


class RoleTooSmall(InterviewsError):
    """Of a member: nobody else learns that there is something to be forbidden."""

    code = "FORBIDDEN"


class ConsentMissing(InterviewsError):
    """The project requires it."""

    code = "CONSENT_REQUIRED"


class BudgetSpent(InterviewsError):
    """Of this month."""

    code = "BUDGET_SPENT"


class NotFailed(InterviewsError):
    code = "INTERVIEW_NOT_FAILED"


class NotDeleted(InterviewsError):
    code = "INTERVIEW_NOT_DELETED"


class UnderWay(InterviewsError):
    """Or completed."""

    code = "INTERVIEW_UNDER_WAY"


class NoKeptAnswer(InterviewsError):
    """A failed attempt, without an answer that could be read once more."""

    code = "NO_KEPT_ANSWER"


class HighlightNotFound(InterviewsError):
    """Unknown, or of another interview."""

    code = "HIGHLIGHT_NOT_FOUND"


class NoInterviews(InterviewsError):
    """None is completed."""

    code = "NO_INTERVIEWS"


class InsightUnderWay(InterviewsError):
    """Of this kind, in this project."""

    code = "INSIGHT_UNDER_WAY"


class TextRefused(InterviewsError):
    """What was written names somebody, or something that is not there; the details name the field."""

    code = "VALIDATION_FAILED"


class LastAdmin(InterviewsError):
    code = "LAST_ADMIN"


class ChatNotConfigured(InterviewsError):
    """No address or key of MISO's agent."""

    code = "NOT_CONFIGURED"


class ChatFailed(InterviewsError):
    """`details`: MISO's status and code, where it answered with an error."""


class ChatRejected(ChatFailed):
    """4xx: the same question is rejected again."""

    code = "MISO_REJECTED"


class ChatUnavailable(ChatFailed):
    """Not reached, busy, or failed before its answer."""

    code = "MISO_UNAVAILABLE"


class ChatLost(ChatFailed):
    """The answer broke off."""

    code = "MISO_ANSWER_LOST"


class ChatTimedOut(ChatFailed):
    """Silence, or longer than an answer may take."""

    code = "MISO_TIMEOUT"


class ChatInvalid(ChatFailed):
    """Beyond our bounds."""

    code = "MISO_ANSWER_INVALID"
