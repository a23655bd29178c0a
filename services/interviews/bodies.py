"""How interviews, projects and members look in answers and events."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from models.interviews import RESULT_COLUMNS, Interview, Project
from services.interviews.evidence import POINT_COLUMNS, resolve_evidence
from services.interviews.script import name_speakers_of, read_utterances

Body = dict[str, Any]


def describe_project(project: Project, role: str, company_name: str) -> Body:
    return {
        "id": str(project.id),
        "name": project.name,
        "description": project.description,
        "purpose": project.purpose,
        "target_audience": project.target_audience,
        "research_method": project.research_method,
        "requires_consent": project.requires_consent,
        "role": role,
        "company": {"id": str(project.company_id), "name": company_name},
        "created_at": _text(project.created_at),
    }


def describe_interview(interview: Interview) -> Body:
    """The fields of the list and of `interview:added`: no text."""
    return {
        "id": str(interview.id),
        "title": interview.title,
        "workflow_status": interview.status,
        "attempt": interview.attempt,
        "revision": interview.revision,
        "created_at": _text(interview.created_at),
        "updated_at": _text(interview.updated_at),
        "created_by": str(interview.created_by),
        "interview_date": interview.interview_date.isoformat(),
        "project_id": str(interview.project_id),
        "company_id": str(interview.company_id),
        "source": interview.source,
        "file_name": interview.file_name,
        "file_bytes": interview.file_bytes,
        "error": interview.error,
        "persona_combination_id": _id(interview.persona_combination_id),
        "deleted_at": _text(interview.deleted_at),
    }


def describe_whole(interview: Interview, *, of_original: bool = False) -> Body:
    """With its text and its result, whose quotes say where they stand in the script. `of_original`: for who may read
    it: a hash of what is not masked lets others find out by guessing what a placeholder stands for."""
    result = {name: getattr(interview, name) for name in RESULT_COLUMNS}
    evidence = resolve_evidence(result) if interview.evidence is None else interview.evidence
    return {
        **describe_interview(interview),
        "masked_text": interview.masked_text,
        "metadata": interview.details,
        "file_sha256": interview.file_sha256 if of_original else None,
        "deleted_by": _id(interview.deleted_by),
        "consent_at": _text(interview.consent_at),
        "consent_by": _id(interview.consent_by),
        **result,
        "cleaned_script": name_speakers_of(interview.cleaned_script, interview.speakers or {}),
        "speakers": describe_speakers(interview),
        **{name: result[name] and _add_evidence(result[name], evidence[name]) for name in POINT_COLUMNS},
        "takeaway_evidence": evidence["key_takeaways"],
    }


def describe_speakers(interview: Interview) -> list[Body]:
    """By the script's labels, in the order in which they speak first; with how much they say."""
    counted = Counter(one.speaker for one in read_utterances(interview.cleaned_script))
    names = interview.speakers or {}
    return [{"label": label, "name": names.get(label, label), "utterances": count} for label, count in counted.items()]


def _add_evidence(points: list[Any], evidence: list[list[Body]]) -> list[Any]:
    return [point | {"evidence": found} for point, found in zip(points, evidence, strict=True)]


def describe_status(interview: Interview) -> Body:
    """`processingTime` in seconds, once it has ended."""
    began, ended = (_moment(interview.details.get(f"processing_{name}_at")) for name in ("started", "completed"))
    return {
        "id": str(interview.id),
        "status": interview.status,
        "title": interview.title,
        "attempt": interview.attempt,
        "createdAt": _text(interview.created_at),
        "updatedAt": _text(interview.updated_at),
        "processingTime": (ended - began).total_seconds() if began and ended else None,
        "metadata": interview.details,
        "error": interview.error,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _id(known: UUID | None) -> str | None:
    return str(known) if known else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
