"""The kind of subjects of the interviews: `project:{project_id}`."""

from core.names import PROJECT_PREFIX
from core.settings import Settings
from services.delivery.kinds import RowCounter, SubjectKind


def project_kind(settings: Settings) -> SubjectKind:
    """Numbered on the project's row: all its interviews are one order."""
    return SubjectKind(
        prefix=PROJECT_PREFIX,
        counter=RowCounter("welno.projects", "id"),
        keep_days=settings.interviews.log_keep_days_project,
    )
