"""Moves interviews on as their analysis does: the row and its event in one transaction."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from models.interviews import Insight, InsightKind, Interview, InterviewStatus, Project
from services.interviews.changing import note_change
from services.interviews.events import tell_added, tell_completed, tell_failed, tell_status
from services.interviews.insight_results import read_insight_result, read_scripts, save_insight
from services.interviews.utterance_index import index_utterances
from tests.integration.interviews.company import World, add_interview
from webapp.current import parts

SCRIPT = [
    {"id": [1], "speaker": "진행자", "category": "질문", "cleaned_sentence": "언제 주문하세요?"},
    {"id": [2], "speaker": "[이름1]", "category": "행동", "cleaned_sentence": "퇴근하면서 지하철에서 주문해요."},
    {"id": [3], "speaker": "[이름1]", "category": "불편", "cleaned_sentence": "쿠폰을 찾다가 내릴 역을 놓쳐요."},
]
RESULT: dict[str, Any] = {
    "cleaned_script": SCRIPT,
    "key_takeaways": ["주문은 이동하면서 한다"],
    "primary_pain_points": [
        {"description": "쿠폰을 찾기 어렵다", "evidence": ["쿠폰을 찾다가 내릴 역을 놓쳐요.", "아무도 하지 않은 말"]}
    ],
    "primary_needs": [{"description": "한 손으로 끝나는 주문", "evidence": []}],
    "hmw_questions": ["어떻게 하면 쿠폰을 먼저 보여줄까?"],
    "interviewee_profile": {"summary": "바쁜 직장인"},
    "script_sections": [{"sector_name": "주문하는 때", "start_line": 1, "end_line": 2, "is_main_content": True}],
}


THEME = {"title": "쿠폰", "description": "찾기 어렵다", "quotes": ["쿠폰을 찾다가 내릴 역을 놓쳐요.", "없는 말"]}


@dataclass(frozen=True)
class Analyses:
    app: Flask
    world: World

    def add(self, title: str, author: str = "jun", **changes: Any) -> UUID:
        """Told to the project, as an upload is."""
        with parts(self.app).stores.unit_of_work() as work:
            interview_id = add_interview(work.session, self.world, self.world.food, author, title=title, **changes)
            interview = work.session.get_one(Interview, interview_id)
            work.session.refresh(interview)
            tell_added(work, interview, interview.created_at)
        return interview_id

    def begin(self, interview_id: UUID) -> None:
        self._move(interview_id, InterviewStatus.ANALYZING)

    def complete(self, interview_id: UUID, **result: Any) -> None:
        self._move(interview_id, InterviewStatus.COMPLETED, **(RESULT | result))

    def find_themes(self, interview_id: UUID) -> None:
        """As the run does, of one completed interview; and it can be searched."""
        with parts(self.app).stores.unit_of_work() as work:
            interview = work.session.get_one(Interview, interview_id)
            index_utterances(work.session, interview)
            insight = Insight(
                id=uuid4(),
                company_id=interview.company_id,
                project_id=interview.project_id,
                kind=InsightKind.THEMES,
                status=InterviewStatus.COMPLETED,
                interview_ids=[str(interview_id)],
                created_by=interview.created_by,
                created_at=interview.created_at,
                updated_at=interview.created_at,
            )
            work.session.add(insight)
            said = {"result": {"summary": "[인터뷰1 이름1]은 쿠폰이 어렵다", "themes": [THEME]}}
            scripts = read_scripts(work.session, insight)
            save_insight(work.session, insight, read_insight_result(InsightKind.THEMES, said, scripts))

    def fail(self, interview_id: UUID, message: str) -> None:
        self._move(interview_id, InterviewStatus.FAILED, error={"code": "MISO_TIMEOUT", "message": message})

    def _move(self, interview_id: UUID, status: InterviewStatus, **columns: Any) -> None:
        stores = parts(self.app).stores
        with stores.unit_of_work() as work:
            now = stores.clock.now()
            interview = work.session.get_one(Interview, interview_id, with_for_update=True)
            previous, interview.status = interview.status, status
            for name, value in columns.items():
                setattr(interview, name, value)
            note_change(interview, now)
            work.session.flush()
            if status == InterviewStatus.COMPLETED:
                index_utterances(work.session, interview)
                tell_completed(work, interview, 1.5, now)
            elif status == InterviewStatus.FAILED:
                tell_failed(work, interview, now)
            else:
                tell_status(work, interview, previous, now)


def require_consent(engine: Engine, world: World) -> None:
    with Session(engine) as session, session.begin():
        session.get_one(Project, world.food).requires_consent = True
