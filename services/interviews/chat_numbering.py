"""The numbering of a conversation's questions: MISO keeps all of them, so a placeholder means the same in each.

Kept are keyed hashes of the values: who is asked about has no place in our database.
"""

import hashlib
import hmac
from typing import NamedTuple
from uuid import UUID

from core.derived_keys import Purpose, derive_key
from services.interviews.masking.masker import Masker
from services.interviews.masking.placeholders import MaskedKind, placeholders_in, without_numbers
from services.interviews.masking.spans import MaskedText

# By placeholder the hash of its value; None of one that a question has written itself.
Numbering = dict[str, str | None]
NOTHING_ASKED: Numbering = {}
# More people and numbers than any conversation is about; the row must not grow without end.
_MOST_KEPT = 1_000


class NumberedQuestion(NamedTuple):
    """`numbering`: of the conversation from now on; None where it has none."""

    text: str
    numbering: Numbering | None


class QuestionMasker:
    """Of one account."""

    def __init__(self, masker: Masker, pseudonym_key: str, account_id: UUID) -> None:
        self._masker = masker
        self._key = derive_key(pseudonym_key.encode(), Purpose.CHAT_PLACEHOLDERS)
        self._account_id = account_id

    def mask(self, question: str, before: Numbering | None) -> NumberedQuestion:
        """`before`: of the questions so far; None where nobody knows whom those have named."""
        if before is None:
            return NumberedQuestion(without_numbers(self._masker.mask(question).text), None)
        numbered = {value_hash: placeholder for placeholder, value_hash in before.items() if value_hash}
        values = self._masker.mask(question).placeholders
        known = {value: numbered[found] for value in values if (found := self._hash(*value)) in numbered}
        masked = self._masker.mask(question, after=MaskedText("", known, frozenset(before)))
        named = {placeholder: self._hash(*value) for value, placeholder in masked.placeholders.items()}
        numbering = {**dict.fromkeys(placeholders_in(masked.text)), **before, **named}
        if len(numbering) > _MOST_KEPT:
            return NumberedQuestion(without_numbers(masked.text), before)
        return NumberedQuestion(masked.text, numbering)

    def _hash(self, kind: MaskedKind, value: str) -> str:
        about = f"{self._account_id}\0{kind}\0{value}"
        return hmac.new(self._key, about.encode(), hashlib.sha256).hexdigest()[:32]
