"""What is made of MISO's answer about many interviews: texts, quotes, and whom the placeholders in both mean."""

from typing import Any

import pytest

from models.interviews import InsightKind
from services.interviews.insight_results import read_insight_result

SAID = "[이름1]은 결제가 느려서 답답했어요"
SCRIPT = [{"id": [1], "speaker": "답", "category": "", "cleaned_sentence": SAID}]
SCRIPTS = {"a": SCRIPT, "b": SCRIPT}
FOUND, NOT_FOUND = SAID.replace("[이름1]", "[인터뷰1 이름1]"), "[인터뷰2 이름3]은 그런 말을 하지 않았어요"
EVIDENCE = [
    {"interview_id": "a", "quote": SAID, "utterance_ids": [1], "verified": True},
    {"interview_id": None, "quote": NOT_FOUND, "utterance_ids": [], "verified": False},
]


@pytest.mark.parametrize(
    ("kind", "outputs", "part"),
    [
        (InsightKind.THEMES, {"result": {"themes": [{"title": "불편", "quotes": [FOUND, NOT_FOUND]}]}}, "themes"),
        (
            InsightKind.PERSONA,
            {"persona": {"name": "급한 사람", "needs": [{"description": "속도", "evidence": [FOUND, NOT_FOUND]}]}},
            "needs",
        ),
    ],
)
def test_a_placeholder_of_a_quote_that_was_not_found_is_explained(
    kind: InsightKind, outputs: dict[str, Any], part: str
):
    """It is shown as the model wrote it; one that was found has those of its own interview, and is a link to it."""
    said = read_insight_result(kind, outputs, SCRIPTS).said
    assert said[part][0]["evidence"] == EVIDENCE
    assert said["placeholders"] == [{"placeholder": "[인터뷰2 이름3]", "interview_id": "b", "in_interview": "[이름3]"}]
