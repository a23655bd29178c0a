"""What the knowledge base is told of an interview."""

from datetime import date

from models.interviews import Interview
from services.interviews.knowledge import describe_segments


def test_segments_number_nobody():
    """Those of several interviews come into one context, and each numbers its people anew."""
    interview = Interview(
        title="[이름1] 인터뷰",
        interview_date=date(2026, 11, 20),
        key_takeaways=["[이름1]은 바쁘다"],
        primary_pain_points=[{"description": "[이름2]는 느리다고 한다", "evidence": []}],
        evidence={"primary_pain_points": [[{"quote": "[이름2]: 느려요", "utterance_ids": [1], "verified": True}]]},
    )
    assert list(describe_segments(interview)) == [
        "[이름] 인터뷰 (2026-11-20)",
        "핵심: [이름]은 바쁘다",
        "불편: [이름]는 느리다고 한다\n“[이름]: 느려요”",
    ]
