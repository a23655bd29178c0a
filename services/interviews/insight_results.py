"""Writes what MISO made of many interviews into its insight: themes or a persona, each with the quotes behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.interviews import Insight, InsightKind, Interview, PersonaCombination
from services.interviews.evidence import ManyScripts
from services.interviews.masking.placeholders import without_numbers
from services.interviews.outputs import clean_value

OUTPUT_NAMES_OF: Mapping[InsightKind, tuple[str, ...]] = {
    InsightKind.THEMES: ("result",),
    InsightKind.PERSONA: ("persona",),
}
_TITLES = ("title", "name", "theme")
_DESCRIPTIONS = ("description", "summary", "text")
_QUOTES = ("quotes", "evidence")
Scripts = Mapping[str, list[Any] | None]
_SCRIPTS_AT_ONCE = 20
_UNTITLED = "페르소나"
# Of a model's lists: far more than anybody reads.
_MOST_ENTRIES, _MOST_QUOTES = 100, 50


@dataclass(frozen=True, slots=True, repr=False)
class InsightResult:
    """What is made of an answer without the database: `said`, with the quotes behind it."""

    said: Mapping[str, Any]


def read_insight_result(kind: InsightKind, outputs: Mapping[str, Any], scripts: Scripts) -> InsightResult:
    """Pure. Of another shape than expected, its texts are kept as they are. It may take seconds: the database would end
    a transaction that waits for it."""
    said = clean_value(outputs.get(OUTPUT_NAMES_OF[kind][0]))
    shape = _shape_themes if kind is InsightKind.THEMES else _shape_persona
    return InsightResult(shape(said, ManyScripts(scripts)))


def save_insight(session: Session, insight: Insight, result: InsightResult) -> None:
    """A persona becomes one of the project's, in which the insight's numbers of interviews mean nothing."""
    insight.result = dict(result.said)
    if insight.kind == InsightKind.THEMES:
        return
    row = {
        "title": without_numbers(result.said["title"]),
        "description": without_numbers(result.said["description"]),
        "persona_code": f"GEN-{insight.id.hex[:12]}",
    }
    whose = {"company_id": insight.company_id, "project_id": insight.project_id}
    session.add(PersonaCombination(id=insight.id, **whose, **row))
    session.flush()
    insight.persona_combination_id = insight.id


def read_scripts(session: Session, insight: Insight) -> Scripts:
    """In the order in which MISO was told of them; None of one that is not there any more. Few at a time: reading JSON
    takes its time, too."""
    scripts: dict[str, list[Any] | None] = dict.fromkeys(insight.interview_ids)
    for first in range(0, len(insight.interview_ids), _SCRIPTS_AT_ONCE):
        some = [UUID(one) for one in insight.interview_ids[first : first + _SCRIPTS_AT_ONCE]]
        query = select(Interview.id, Interview.cleaned_script).where(
            Interview.id.in_(some), Interview.deleted_at.is_(None)
        )
        scripts |= {str(row[0]): row[1] for row in session.execute(query)}
    return scripts


def _shape_themes(said: Any, scripts: ManyScripts) -> dict[str, Any]:
    listed = said.get("themes") if isinstance(said, dict) else said
    summary = scripts.retell(_text_of(said, _DESCRIPTIONS) if isinstance(said, dict) else _text(said))
    entries = listed if isinstance(listed, list) else []
    themes = [theme for entry in entries[:_MOST_ENTRIES] if (theme := _shape_theme(entry, scripts))["title"]]
    told = [summary, *(text for theme in themes for text in (theme["title"], theme["description"], *_quotes_in(theme)))]
    return {"summary": summary, "themes": themes, "placeholders": scripts.explain(told)}


def _shape_theme(entry: Any, scripts: ManyScripts) -> dict[str, Any]:
    if not isinstance(entry, dict):
        return {"title": scripts.retell(_text(entry)), "description": "", "evidence": []}
    quotes = next((found for name in _QUOTES if (found := _strings(entry.get(name)))), [])
    told = {"title": _text_of(entry, _TITLES), "description": _text_of(entry, _DESCRIPTIONS)}
    return {name: scripts.retell(text) for name, text in told.items()} | {"evidence": scripts.resolve(quotes)}


def _shape_persona(said: Any, scripts: ManyScripts) -> dict[str, Any]:
    entry = said if isinstance(said, dict) else {"description": said}
    title = scripts.retell(_text_of(entry, _TITLES)) or _UNTITLED
    description = scripts.retell(_text_of(entry, _DESCRIPTIONS))
    points = {name: _shape_points(entry.get(name), scripts) for name in ("needs", "pain_points")}
    every = [point for listed in points.values() for point in listed]
    told = [title, description, *(text for point in every for text in (point["text"], *_quotes_in(point)))]
    return {"title": title, "description": description, **points, "placeholders": scripts.explain(told)}


def _shape_points(listed: Any, scripts: ManyScripts) -> list[dict[str, Any]]:
    """A point that quotes nothing is looked for itself."""
    points = []
    for entry in (listed if isinstance(listed, list) else [])[:_MOST_ENTRIES]:
        text = _text_of(entry, _DESCRIPTIONS) if isinstance(entry, dict) else _text(entry)
        quotes = _strings(entry.get("evidence")) if isinstance(entry, dict) else []
        if text:
            points.append({"text": scripts.retell(text), "evidence": scripts.resolve(quotes or [text])})
    return points


def _quotes_in(shaped: Mapping[str, Any]) -> list[str]:
    """As they are shown: of those that were not found each placeholder tells of which interview it is."""
    return [one["quote"] for one in shaped["evidence"]]


def _strings(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [one for one in listed if isinstance(one, str)][:_MOST_QUOTES]


def _text_of(entry: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((text for name in names if (text := _text(entry.get(name)))), "")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
