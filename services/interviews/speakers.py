"""Names for the speakers of a script; who gets the same name is one speaker. The script itself keeps its labels."""

from collections.abc import Mapping
from uuid import UUID

from core.letters import compose
from models.interviews import Interview, ProjectRole
from services.interviews.changing import note_change
from services.interviews.errors import InterviewNotFound, TextRefused
from services.interviews.events import tell_changed
from services.interviews.masking.invisible import compose_visible
from services.interviews.membership import require_interview
from services.interviews.numbering import NoteMasker
from services.interviews.row_security import MemberWork
from services.interviews.script import read_utterances

_NAMES_A_PERSON = "사람 이름이나 번호는 쓸 수 없어요. '참여자 A'처럼 적어 주세요."
_UNKNOWN = "이 인터뷰에 없는 화자예요: {}"


def name_speakers(member: MemberWork, interview_id: UUID, names: Mapping[str, str], masker: NoteMasker) -> Interview:
    """In the place of the names so far, by the script's labels; a label without a name has none but itself.

    Raises InterviewNotFound, also for a deleted one, RoleTooSmall, TextRefused, SpoolError.
    """
    interview = require_interview(member, interview_id, ProjectRole.EDITOR, lock=True)
    if interview.deleted_at is not None:
        raise InterviewNotFound
    known = {one.speaker for one in read_utterances(interview.cleaned_script)}
    # Composed, as the script's labels are and what the masker gives back.
    named = {compose(label): " ".join(compose_visible(name).split()) for label, name in names.items()}
    if unknown := [label for label in named if label not in known]:
        raise TextRefused({"speakers": [_UNKNOWN.format(unknown[0])]})
    if masker.names_somebody(interview, filter(None, named.values())):
        raise TextRefused({"speakers": [_NAMES_A_PERSON]})
    interview.speakers = {label: name for label, name in named.items() if name}
    note_change(interview, member.now)
    member.session.flush()
    tell_changed(member.work, interview, member.now)
    return interview
