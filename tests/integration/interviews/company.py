"""Two invented companies, their projects and members."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from core.clock import clock
from models.accounts import Account, AccountKind, AccountRole, Company
from models.interviews import (
    Highlight,
    IndexedUtterance,
    Insight,
    Interview,
    InterviewRun,
    KeyTakeaway,
    KnowledgeEntry,
    MisoCost,
    OriginalRead,
    PersonaCombination,
    Project,
    ProjectMember,
    ProjectRole,
    ScriptSection,
    UnsettledCall,
)
from services.delivery.kinds import RowCounter, SubjectKind, SubjectKinds

KINDS = SubjectKinds([SubjectKind(prefix="project", counter=RowCounter("welno.projects", "id"), keep_days=30)])
PASSWORD = "seven invented words here"


@dataclass
class World:
    """`people`: mina is admin, jun editor, vera viewer of `food`; mina alone is in `bank`; sora alone in `secret`."""

    company: UUID = field(default_factory=uuid4)
    other_company: UUID = field(default_factory=uuid4)
    food: UUID = field(default_factory=uuid4)
    bank: UUID = field(default_factory=uuid4)
    secret: UUID = field(default_factory=uuid4)
    people: dict[str, UUID] = field(default_factory=dict)


def build_world(session: Session, password_hash: str = "none") -> World:
    world = World()
    session.add_all(
        [
            Company(id=world.company, name="한빛리서치", description="리서치 회사"),
            Company(id=world.other_company, name="다른회사", description=None),
        ]
    )
    session.flush()
    for key, company, name in (
        (world.food, world.company, "배달 앱 연구"),
        (world.bank, world.company, "은행 앱 연구"),
        (world.secret, world.other_company, "비밀 연구"),
    ):
        session.add(Project(id=key, company_id=company, name=name, purpose="목적", target_audience="대상"))
    for name in ("mina", "jun", "vera", "sora"):
        company = world.other_company if name == "sora" else world.company
        world.people[name] = _add_member(session, name, company, password_hash)
    session.flush()
    for project, name, role in (
        (world.food, "mina", ProjectRole.ADMIN),
        (world.bank, "mina", ProjectRole.ADMIN),
        (world.food, "jun", ProjectRole.EDITOR),
        (world.food, "vera", ProjectRole.VIEWER),
        (world.secret, "sora", ProjectRole.ADMIN),
    ):
        session.add(ProjectMember(project_id=project, account_id=world.people[name], role=role))
    session.flush()
    return world


def _add_member(session: Session, name: str, company: UUID, password_hash: str) -> UUID:
    account_id = uuid4()
    session.add(
        Account(
            account_id=account_id,
            kind=AccountKind.MEMBER,
            role=AccountRole.MEMBER,
            login=f"{name}@demo.test",
            name=name,
            password_hash=password_hash,
            company_id=company,
        )
    )
    return account_id


def add_interview(session: Session, world: World, project: UUID, author: str, **changes: Any) -> UUID:
    """As an upload leaves it, with its run."""
    company = world.other_company if project == world.secret else world.company
    values: dict[str, Any] = {
        "id": uuid4(),
        "company_id": company,
        "project_id": project,
        "title": "첫 인터뷰",
        "masked_text": "질문: 어떠셨어요?",
        "source": "text",
        "status": "processing",
        "created_by": world.people[author],
        "interview_date": date(2026, 11, 20),
        "details": {},
    }
    interview = Interview(**(values | changes))
    session.add(interview)
    session.flush()
    due_at = interview.created_at
    session.add(
        InterviewRun(interview_id=interview.id, project_id=project, step="extract", state="ready", due_at=due_at)
    )
    session.flush()
    return interview.id


def fill_every_table(session: Session, world: World, project: UUID, author: str) -> UUID:
    """One row at least in each table that members may read."""
    company = world.other_company if project == world.secret else world.company
    session.add_all(
        [
            ScriptSection(company_id=company, project_id=project, section_name="첫인상"),
            KeyTakeaway(company_id=company, project_id=project, takeaway_text="결제가 어렵다"),
            PersonaCombination(
                id=uuid4(), company_id=company, persona_code="P1", title="바쁜 직장인", description=None
            ),
        ]
    )
    interview_id = add_interview(session, world, project, author)
    session.add(
        IndexedUtterance(
            interview_id=interview_id,
            position=1,
            project_id=project,
            interview_at=clock.now(),
            utterance_id=1,
            speaker="진행자",
            said="질문",
            letters="질문",
            bigrams=["질문"],
        )
    )
    session.add(
        MisoCost(
            interview_id=interview_id,
            attempt=1,
            project_id=project,
            called_at=clock.now(),
            calls=1,
            tokens=10,
            seconds=1,
        )
    )
    session.add(
        Highlight(
            id=uuid4(),
            project_id=project,
            interview_id=interview_id,
            first_utterance_id=1,
            last_utterance_id=1,
            tags=["결제"],
            note="",
            account_id=world.people[author],
            created_at=clock.now(),
            updated_at=clock.now(),
        )
    )
    session.add(
        Insight(
            id=uuid4(),
            company_id=company,
            project_id=project,
            kind="themes",
            status="completed",
            interview_ids=[str(interview_id)],
            created_by=world.people[author],
            created_at=clock.now(),
            updated_at=clock.now(),
        )
    )
    session.add(KnowledgeEntry(interview_id=interview_id, project_id=project, is_wanted=True, due_at=clock.now()))
    session.add(UnsettledCall(miso_user=f"iv-{interview_id}", interview_id=interview_id, project_id=project))
    session.add(
        OriginalRead(
            project_id=project,
            interview_id=interview_id,
            account_id=world.people[author],
            read_at=clock.now(),
            request_id="",
        )
    )
    session.flush()
    return interview_id
