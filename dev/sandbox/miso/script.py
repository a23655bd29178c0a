"""Reads an interview's text into utterances: who says what on which line, and what kind of thing it is."""

import re
from dataclasses import dataclass

_LABEL = re.compile(r"(?:\[?\d{1,2}:\d{2}(?::\d{2})?\]?\s*)?([^\s:：][^:：]{0,19}?)\s*[:：]\s*(\S.*)")
_FILLERS = re.compile(r"(?:^|(?<=\s))(?:음+|어+|그+|아+|뭐랄까|저기)[,.…]*\s+")
_ASKS = re.compile(r"q|질문|질문자|진행자|면접관|인터뷰어|사회자|모더레이터|연구원", re.IGNORECASE)
_CATEGORIES = (
    (
        "불편",
        ("불편", "어렵", "힘들", "느리", "느려", "답답", "짜증", "오류", "복잡", "헷갈", "번거", "안 돼", "안 되"),
    ),
    ("니즈", ("필요", "원해", "원하", "있었으면", "좋겠", "바라", "바람", "싶어", "싶습", "싶은")),
    ("비용", ("가격", "비용", "결제", "수수료", "할인", "쿠폰", "요금")),
    ("이용 경험", ("사용", "이용", "써 봤", "써봤", "주문", "가입", "검색", "매일", "자주")),
)
PAIN, NEED, OTHER, QUESTION = "불편", "니즈", "일반", "질문"


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """`number` counts the lines that are not empty, from 1."""

    number: int
    speaker: str
    sentence: str
    category: str

    @property
    def is_question(self) -> bool:
        return self.category == QUESTION

    def describe(self) -> dict[str, object]:
        return {
            "id": [self.number],
            "speaker": self.speaker,
            "category": self.category,
            "cleaned_sentence": self.sentence,
        }


def read_script(context: str) -> list[ScriptLine]:
    """A line without a label is said by whoever spoke before."""
    lines: list[ScriptLine] = []
    speaker = "화자"
    for text in filter(None, (line.strip() for line in context.splitlines())):
        labelled = _LABEL.fullmatch(text)
        speaker, said = (labelled[1], labelled[2]) if labelled else (speaker, text)
        sentence = " ".join(_FILLERS.sub("", said).split()) or said
        lines.append(ScriptLine(len(lines) + 1, speaker, sentence, _categorise(speaker, sentence)))
    return lines


def _categorise(speaker: str, sentence: str) -> str:
    if _ASKS.fullmatch(speaker):
        return QUESTION
    return next((name for name, words in _CATEGORIES if any(word in sentence for word in words)), OTHER)
