"""The quotes of an analysis, one by one, as the rows of a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.interviews.bodies import Body

UNVERIFIED = "원문에서 찾지 못함"
TAKEAWAYS, PAIN_POINTS, NEEDS = "핵심 내용", "불편", "필요"
_POINTS = ((PAIN_POINTS, "primary_pain_points"), (NEEDS, "primary_needs"))


@dataclass(frozen=True, slots=True)
class Finding:
    """A takeaway, pain point or need, with what bears it out: evidence as it is in an interview's body."""

    kind: str
    text: str
    evidence: Sequence[Body]


def findings_of(interview: Body) -> Iterator[Finding]:
    for text, evidence in zip(interview["key_takeaways"] or (), interview["takeaway_evidence"], strict=False):
        yield Finding(TAKEAWAYS, str(text), evidence)
    for kind, column in _POINTS:
        for point in interview[column] or ():
            yield Finding(kind, str(point.get("description", "")), point["evidence"])


HEADINGS = ("인터뷰", "날짜", "종류", "내용", "인용", "발화 번호", "원문 확인")


def rows_of(interview: Body) -> Iterator[tuple[str, ...]]:
    """Under HEADINGS; a finding without evidence is a row, too."""
    for finding in findings_of(interview):
        said = interview["title"], interview["interview_date"], finding.kind, finding.text
        for one in finding.evidence or [{"quote": "", "utterance_ids": [], "verified": False}]:
            yield (*said, one["quote"], numbers_of(one), "확인됨" if one["verified"] else UNVERIFIED)


def numbers_of(evidence: Body) -> str:
    return ", ".join(map(str, evidence["utterance_ids"]))


def sentence_of(question: Any) -> str:
    """Of a text, or of an object whose fields are the app's own."""
    if isinstance(question, dict):
        return " / ".join(value for value in question.values() if isinstance(value, str))
    return str(question)
