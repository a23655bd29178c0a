"""What has been said in an answer so far, whether its pieces follow on each other or repeat all that came before."""

from collections.abc import Mapping
from typing import Any

_PIECES = frozenset({"message", "agent_message"})
REPLACE = "message_replace"


class AnswerSoFar:
    """Tells a `message_replace` that only repeats what was said from one that takes it back (moderation)."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._is_cumulative = True

    def takes_back(self, frame: Mapping[str, Any]) -> bool:
        """Of a `message_replace`; what it says is the answer from now on."""
        text = _answer_of(frame)
        if _plain(text) in self._readings():
            return False
        self._pieces, self._is_cumulative = [text], True
        return True

    def note(self, frame: Mapping[str, Any]) -> None:
        if frame.get("event") in _PIECES and (piece := _answer_of(frame)):
            self._is_cumulative = self._is_cumulative and (not self._pieces or piece.startswith(self._pieces[-1]))
            self._pieces.append(piece)

    def _readings(self) -> set[str]:
        """All pieces one after another; or the last one, where each has begun with the one before."""
        readings = {_plain("".join(self._pieces))}
        return readings | {_plain(self._pieces[-1])} if self._pieces and self._is_cumulative else readings


def _answer_of(frame: Mapping[str, Any]) -> str:
    answer = frame.get("answer")
    return answer if isinstance(answer, str) else ""


def _plain(text: str) -> str:
    """Blanks aside: who repeats does not keep them."""
    return "".join(text.split())
