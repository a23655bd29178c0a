"""The demo's companies: members, projects, personas and some finished interviews, made again where one is missing.

What is there already is left as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind, AccountRole, Company
from models.interviews import (
    Interview,
    InterviewRun,
    InterviewRunState,
    InterviewSource,
    InterviewStatus,
    InterviewStep,
    PersonaCombination,
    Project,
    ProjectMember,
)
from models.table import Table
from services.accounts.accounts import add_account
from services.interviews.evidence import resolve_evidence
from services.interviews.utterance_index import index_utterances

Json = Mapping[str, Any]


def seed_companies(session: Session, content: Sequence[Json], password_hash: Callable[[], str]) -> None:
    """`password_hash` is asked for only where a member is missing: it takes long."""
    for company in content:
        company_id = _id_of("company", company["name"])
        row = {"id": company_id, "name": company["name"], "description": company["description"]}
        _add_missing(session, Company, [row])
        _add_missing(session, PersonaCombination, [_persona_row(company_id, one) for one in company["personas"]])
        accounts = _seed_members(session, company_id, company["members"], password_hash)
        for project in company["projects"]:
            _seed_project(session, company_id, project, accounts)


def _seed_members(
    session: Session, company_id: UUID, members: Sequence[Json], password_hash: Callable[[], str]
) -> dict[str, UUID]:
    """Their ids, by e-mail."""
    query = select(Account.login, Account.account_id).where(Account.kind == AccountKind.MEMBER)
    known = {row[0]: row[1] for row in session.execute(query)}
    for member in members:
        email, name = member["email"], member["name"]
        if email not in known:
            known[email] = add_account(
                session,
                AccountKind.MEMBER,
                email,
                name,
                password_hash(),
                AccountRole.MEMBER,
                company_id=company_id,
            )
    return known


def _seed_project(session: Session, company_id: UUID, project: Json, accounts: Mapping[str, UUID]) -> None:
    project_id = _id_of("project", project["name"])
    said = {name: project[name] for name in ("name", "description", "purpose", "target_audience", "research_method")}
    _add_missing(session, Project, [{"id": project_id, "company_id": company_id, **said}])
    members = [
        {"project_id": project_id, "account_id": accounts[email], "role": role}
        for email, role in project["members"].items()
    ]
    _add_missing(session, ProjectMember, members)
    author = accounts[next(iter(project["members"]))]
    for interview in project["interviews"]:
        _seed_interview(session, company_id, project_id, author, interview)


def _seed_interview(session: Session, company_id: UUID, project_id: UUID, author: UUID, content: Json) -> None:
    """As a finished analysis leaves it."""
    interview_id = _id_of("interview", content["title"])
    persona = content["persona_code"]
    result = content["result"] | {"cleaned_script": content["cleaned_script"]}
    row = {
        "id": interview_id,
        "company_id": company_id,
        "project_id": project_id,
        "title": content["title"],
        "masked_text": "\n".join(f"{one['speaker']}: {one['cleaned_sentence']}" for one in content["cleaned_script"]),
        "source": InterviewSource.TEXT,
        "status": InterviewStatus.COMPLETED,
        "created_by": author,
        "interview_date": date.fromisoformat(content["interview_date"]),
        "persona_combination_id": _id_of("persona", f"{company_id}/{persona}"),
        **result,
        "evidence": resolve_evidence(result),
    }
    # What is there already stays as it is: one that somebody has deleted is not found again.
    if _add_missing(session, Interview, [row]):
        index_utterances(session, session.get_one(Interview, interview_id))
    run = {"interview_id": interview_id, "project_id": project_id, "step": InterviewStep.SAVE}
    _add_missing(session, InterviewRun, [run | {"state": InterviewRunState.ENDED, "due_at": func.now()}])


def _persona_row(company_id: UUID, persona: Json) -> dict[str, Any]:
    return {"id": _id_of("persona", f"{company_id}/{persona['persona_code']}"), "company_id": company_id, **persona}


def _id_of(kind: str, name: str) -> UUID:
    """The same at each start."""
    return uuid5(NAMESPACE_URL, f"urn:welno:demo:{kind}:{name}")


def _add_missing(session: Session, model: type[Table], rows: Sequence[Json]) -> int:
    """How many there were not."""
    missing = insert(model).values([dict(row) for row in rows]).on_conflict_do_nothing().returning(literal(1))
    return len(session.execute(missing).all())
