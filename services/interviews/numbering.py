"""The one numbering of an interview: its text, title, file's name and the notes of its highlights call one value by one
placeholder, and two by two.

Which placeholder stands for which value lies sealed beside the text: the database must not hold it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import orjson

from models.interviews import RESULT_COLUMNS, Interview
from services.interviews.extraction.decoding import clean_text
from services.interviews.files import PLACEHOLDERS, TEXT, Said, read_said
from services.interviews.masking.known_names import contains_known_name, parts_of
from services.interviews.masking.masker import LONGEST_PLACEHOLDER, Masker
from services.interviews.masking.placeholders import MaskedKind, placeholders_in, without_numbers
from services.interviews.masking.spans import NOTHING_MASKED, Known, MaskedText
from spool import DamagedFile, StreamedFiles, UnknownFile


@dataclass(frozen=True, slots=True, repr=False)
class MaskedUpload:
    """`title` and `file_name` are None where `Said` has none. `last` knows the values of all of them."""

    text: MaskedText
    title: str | None
    file_name: str | None
    last: MaskedText


def mask_upload(masker: Masker, text: str, said: Said) -> MaskedUpload:
    """Pure. The text comes first: who speaks in it is known in its names."""
    words = said.mask_words
    written = placeholders_in(said.title, said.file_name)
    of_text = masker.mask(text, words, after=MaskedText("", {}, written))
    of_title = masker.mask(said.title or "", words, after=of_text)
    of_name = masker.mask(said.file_name or "", words, after=of_title)
    title = None if said.title is None else of_title.text
    return MaskedUpload(of_text, title, None if said.file_name is None else of_name.text, of_name)


def outgrows(masker: Masker, text: str, said: Said, max_characters: int) -> bool:
    """Whether the text is longer than that when it is masked: a placeholder may be longer than what it stands for."""
    if len(text) * LONGEST_PLACEHOLDER <= max_characters:
        return False
    return len(mask_upload(masker, text, said).text.text) > max_characters


def keep_numbering(files: StreamedFiles, interview_id: UUID, masked: MaskedText) -> None:
    """In the place of the one before. Raises StorageFault."""
    entries = [[kind, value, placeholder] for (kind, value), placeholder in masked.placeholders.items()]
    files.put(interview_id, PLACEHOLDERS, orjson.dumps(entries))


class MaskedNote(NamedTuple):
    """A tag is one for all interviews of a project, and each of them numbers its people anew: so it has no numbers."""

    text: str
    tags: list[str]


class _Numbering(NamedTuple):
    """`is_new`: masked anew from the text, and kept nowhere yet."""

    known: Known
    is_new: bool


class NoteMasker:
    """Masks what members write of an interview, and tells whether it names somebody."""

    def __init__(self, masker: Masker, files: StreamedFiles) -> None:
        self._masker = masker
        self._files = files

    def mask(self, interview: Interview, note: str, tags: Sequence[str], others: Iterable[str]) -> MaskedNote:
        """Whom the interview's texts name, the note calls as they do; whom none names yet, by a number that none has.
        `interview`'s row is locked; `others` are its other notes. Raises SpoolError."""
        (known, is_new), words = self._read(interview), self._words(interview)
        before = _after(interview, known, others)
        masked = self._masker.mask(note, words, after=before)
        if is_new or len(masked.placeholders) > len(known):
            keep_numbering(self._files, interview.id, masked)
        of_tags = (without_numbers(self._masker.mask(tag, words, after=masked).text) for tag in tags)
        return MaskedNote(masked.text, list(dict.fromkeys(of_tags)))

    def names_somebody(self, interview: Interview, labels: Iterable[str]) -> bool:
        """Whether the new name of a speaker tells a person or a number: whom the interview's texts name, or what the
        masker recognises, in whatever part of it. `interview`'s row is locked. Raises SpoolError."""
        (known, is_new), words = self._read(interview), self._words(interview)
        before = _after(interview, known, ())
        if is_new:
            keep_numbering(self._files, interview.id, before)

        def tells(label: str) -> bool:
            # Masked as a label of a script, too: there a bare name stands for a person.
            written = (label, *(f"{one}: " for one in (label, *parts_of(label))))
            is_masked = any(self._masker.mask(one, words, after=before).text != one for one in written)
            return is_masked or contains_known_name(label, before.names)

        return any(map(tells, labels))

    def _words(self, interview: Interview) -> tuple[str, ...]:
        try:
            return read_said(self._files, interview.id).mask_words
        except UnknownFile:
            return ()

    def _read(self, interview: Interview) -> _Numbering:
        """What nobody knows any more is numbered beside what the interview's texts show."""
        try:
            entries = orjson.loads(self._files.read_whole(interview.id, PLACEHOLDERS))
        except (UnknownFile, DamagedFile):
            return self._derive(interview)
        return _Numbering({(MaskedKind(kind), value): placeholder for kind, value, placeholder in entries}, False)

    def _derive(self, interview: Interview) -> _Numbering:
        """Of one that was masked before its numbering was kept: the same masker gives the same text again, or else it
        is none that this numbering is of. Either is kept: a whole text is masked under the row's lock once, and not by
        a later masker. Files that cannot be read may come back from a backup."""
        try:
            text = clean_text(self._files.read_whole(interview.id, TEXT).decode())
            masked = mask_upload(self._masker, text, read_said(self._files, interview.id))
        except (UnknownFile, DamagedFile):
            return _Numbering(NOTHING_MASKED.placeholders, False)
        is_same = masked.text.text == interview.masked_text
        return _Numbering(masked.last.placeholders if is_same else NOTHING_MASKED.placeholders, True)


def _after(interview: Interview, known: Known, others: Iterable[str]) -> MaskedText:
    """With every placeholder that the interview shows anywhere, as whoever reads it takes it for that one."""
    results = orjson.dumps([getattr(interview, name) for name in RESULT_COLUMNS]).decode()
    speakers = (interview.speakers or {}).values()
    texts = (interview.masked_text, interview.title, interview.file_name, results, *speakers, *others)
    return MaskedText("", known, placeholders_in(*texts))
