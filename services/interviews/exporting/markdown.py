"""An analysis as Markdown."""

import re
from collections.abc import Iterator
from itertools import groupby

from services.interviews.bodies import Body
from services.interviews.exporting.quotes import UNVERIFIED, findings_of, numbers_of, sentence_of
from services.interviews.script import read_utterances

# What would be markup. A bracket alone is a placeholder, and stays readable.
_MARKUP = re.compile(r"([\\`*_<>|~]|\](?=[(\[:]))")


def render_interview(interview: Body) -> str:
    return "\n".join([*_lines_of(interview), "", ""])


def _lines_of(interview: Body) -> Iterator[str]:
    yield f"# {_plain(interview['title'])}"
    yield ""
    yield f"- 날짜: {interview['interview_date']}"
    for kind, findings in groupby(findings_of(interview), key=lambda finding: finding.kind):
        yield from ("", f"## {kind}", "")
        for finding in findings:
            yield f"- {_plain(finding.text)}"
            yield from (f"  - {_quote(one)}" for one in finding.evidence)
    if questions := interview["hmw_questions"]:
        yield from ("", "## 질문 (HMW)", "")
        yield from (f"- {_plain(sentence_of(one))}" for one in questions)
    if utterances := read_utterances(interview["cleaned_script"]):
        yield from ("", "## 발화", "")
        for one in utterances:
            yield f"- #{', #'.join(map(str, one.ids))} {_plain(one.speaker)}: {_plain(one.text)}"


def _quote(evidence: Body) -> str:
    numbers = f"#{numbers_of(evidence)}" if evidence["verified"] else UNVERIFIED
    return f"“{_plain(evidence['quote'])}” ({numbers})"


def _plain(text: str) -> str:
    """On one line, and nothing of it is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
