"""Believable analyses computed from the text that came: the same text gives the same analysis."""

import hashlib
import random
from collections import Counter
from typing import Any

from dev.sandbox.miso.script import NEED, PAIN, ScriptLine, read_script

Outputs = dict[str, Any]
_MOST_POINTS, _MOST_TAKEAWAYS = 5, 5
_INVENTED_ONE_IN = 8
_INVENTED = (
    "정말 매번 너무 오래 기다려야 했어요",
    "다른 앱은 다 되는데 여기만 안 되더라고요",
    "주변에서도 다들 그렇게 말해요",
)
_SECTIONS = ("도입", "이용 경험", "불편과 바람", "마무리")
_SHORTEST_SECONDS, _SECONDS_PER_LINE, _LONGEST_SECONDS = 1.0, 0.02, 8.0


def text_of(inputs: Outputs) -> str:
    return str(inputs.get("context") or "")


def seconds_for(inputs: Outputs) -> float:
    lines = len(text_of(inputs).splitlines())
    return min(_SHORTEST_SECONDS + _SECONDS_PER_LINE * lines, _LONGEST_SECONDS)


def tokens_for(inputs: Outputs) -> int:
    return sum(len(str(value)) for value in inputs.values()) // 2


def digest_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def analyse(inputs: Outputs) -> Outputs:
    """The outputs of the app, by `preprocess_type`."""
    kind = inputs.get("preprocess_type")
    if kind == "insight_summary":
        return {"result": _summarise(text_of(inputs))}
    if kind == "persona":
        return {"persona": _generate_persona(text_of(inputs))}
    return _analyse_interview(inputs)


def _analyse_interview(inputs: Outputs) -> Outputs:
    text = text_of(inputs)
    lines, dice = read_script(text), random.Random(digest_of(text))
    answers = [line for line in lines if not line.is_question] or lines
    return {
        "cleaned_script": [line.describe() for line in lines],
        "session_info": _describe_session(lines, inputs),
        "interviewee_profile": _describe_interviewee(answers),
        "interview_quality_assessment": _assess(lines, answers),
        "key_takeaways": _take_away(answers, _listed(inputs, "key_takeaways"), dice),
        "primary_pain_points": _points(answers, PAIN, "{} 때문에 불편을 겪는다", dice),
        "primary_needs": _points(answers, NEED, "{} 부분이 나아지기를 바란다", dice),
        "hmw_questions": [
            f"어떻게 하면 '{_short(line)}' 문제를 풀 수 있을까?" for line in _most_telling(answers, PAIN)[:3]
        ],
        "script_sections": _sections(lines, _listed(inputs, "interview_sections")),
        "ai_persona_match": _match_persona(inputs, dice),
    }


def _listed(inputs: Outputs, name: str) -> list[str]:
    return [item.strip() for item in str(inputs.get(name) or "").split(",") if item.strip()]


def _short(line: ScriptLine) -> str:
    return " ".join(line.sentence.split()[:6]).rstrip(".,!?")


def _describe_session(lines: list[ScriptLine], inputs: Outputs) -> Outputs:
    return {
        "total_lines": len(lines),
        "speakers": list(dict.fromkeys(line.speaker for line in lines)),
        "objective": str(inputs.get("interview_objective") or ""),
        "topics": [category for category, _ in Counter(line.category for line in lines).most_common(3)],
    }


def _words(lines: list[ScriptLine]) -> list[str]:
    """The most frequent ones, of two letters or more."""
    counted = Counter(word.strip(".,!?") for line in lines for word in line.sentence.split())
    return [word for word, _ in counted.most_common(60) if len(word) > 1][:8]


def _describe_interviewee(answers: list[ScriptLine]) -> Outputs:
    speaker = Counter(line.speaker for line in answers).most_common(1)[0][0] if answers else ""
    return {"speaker": speaker, "keywords": _words(answers), "summary": " / ".join(map(_short, answers[:2]))}


def _assess(lines: list[ScriptLine], answers: list[ScriptLine]) -> Outputs:
    letters = sum(len(line.sentence) for line in answers)
    return {
        "score": min(5, 1 + letters // 200),
        "answers": len(answers),
        "questions": len(lines) - len(answers),
        "comment": "답변이 구체적이다." if letters > 400 else "답변이 짧아 더 물을 여지가 있다.",
    }


def _most_telling(answers: list[ScriptLine], category: str) -> list[ScriptLine]:
    """Those of the category; where there are none, the longest."""
    fitting = [line for line in answers if line.category == category]
    return fitting[:_MOST_POINTS] or sorted(answers, key=lambda line: -len(line.sentence))[:2]


def _points(answers: list[ScriptLine], category: str, sentence: str, dice: random.Random) -> list[Outputs]:
    return [
        {"description": sentence.format(f"'{_short(line)}'"), "evidence": _quote(line, answers, dice)}
        for line in _most_telling(answers, category)
    ]


def _quote(line: ScriptLine, answers: list[ScriptLine], dice: random.Random) -> list[str]:
    """By words, and by number and words; one in eight is invented, as models do."""
    near = [other for other in answers if other.category == line.category and other is not line][:1]
    quotes = [line.sentence, *(f"{other.number}: {other.sentence}" for other in near)]
    return [dice.choice(_INVENTED) if dice.randrange(_INVENTED_ONE_IN) == 0 else quote for quote in quotes]


def _take_away(answers: list[ScriptLine], known: list[str], dice: random.Random) -> list[str]:
    found = [f"{_short(line)}: {line.category}에 관한 이야기" for line in answers if line.category != "일반"]
    found = found[:_MOST_TAKEAWAYS] or [_short(line) for line in answers[:2]]
    repeated = [dice.choice(known)] if known and dice.random() < 0.5 else []
    return [*repeated, *found]


def _sections(lines: list[ScriptLine], names: list[str]) -> list[Outputs]:
    chosen = (names or list(_SECTIONS))[: max(len(lines), 1)]
    edges = [len(lines) * index // len(chosen) for index in range(len(chosen) + 1)]
    return [
        {
            "sector_name": name,
            "start_line": edges[index] + 1,
            "end_line": edges[index + 1],
            "is_main_content": 0 < index < len(chosen) - 1 or len(chosen) < 3,
        }
        for index, name in enumerate(chosen)
    ]


def _match_persona(inputs: Outputs, dice: random.Random) -> Outputs | None:
    """One of `personas`, codes separated by commas; None when none were given."""
    codes = _listed(inputs, "personas")
    return {"persona_code": dice.choice(codes), "reason": "말투와 관심사가 가깝다."} if codes else None


def _summarise(text: str) -> Outputs:
    lines = read_script(text)
    groups: dict[str, list[ScriptLine]] = {}
    for line in lines:
        groups.setdefault(line.category, []).append(line)
    themes = [
        {"title": f"{category}: {' '.join(_words(group)[:3])}", "quotes": [line.sentence for line in group[:3]]}
        for category, group in groups.items()
    ]
    return {"themes": themes, "interviews": text.count("###") or 1}


def _generate_persona(text: str) -> Outputs:
    lines = read_script(text)
    return {
        "title": f"{' '.join(_words(lines)[:2])} 사용자",
        "description": " ".join(line.sentence for line in lines[:3]),
        "needs": [line.sentence for line in _most_telling(lines, NEED)] if lines else [],
        "pain_points": [line.sentence for line in _most_telling(lines, PAIN)] if lines else [],
    }
