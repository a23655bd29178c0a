"""The verdict on a run: what the workload and the engine find wrong in its history and in what it left behind."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ViolationKind(StrEnum):
    LOST = "lost"
    DOUBLED = "doubled"
    LEFT_OVER = "left_over"


@dataclass(frozen=True)
class Violation:
    """A sentence about one piece of work or one thing."""

    kind: ViolationKind
    text: str


def lost(text: str) -> Violation:
    return Violation(ViolationKind.LOST, text)


def doubled(text: str) -> Violation:
    return Violation(ViolationKind.DOUBLED, text)


def left_over(text: str) -> Violation:
    return Violation(ViolationKind.LEFT_OVER, text)


def check_answers(answers: Mapping[int, int], unanswered: int, expected: Collection[int]) -> Iterator[Violation]:
    """Of the clients' actions: how many were answered by each status, and how many not at all."""
    if unanswered:
        yield lost(f"{unanswered} actions were never answered")
    for status, count in answers.items():
        if status not in expected:
            yield doubled(f"{count} actions were answered by {status}")


def sort_violations(violations: Iterable[Violation]) -> dict[ViolationKind, list[str]]:
    """Every kind is there, also without any."""
    found: dict[ViolationKind, list[str]] = {kind: [] for kind in ViolationKind}
    for violation in violations:
        found[violation.kind].append(violation.text)
    return found
