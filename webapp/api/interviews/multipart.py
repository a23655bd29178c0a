"""Reads a multipart body piece by piece: fields into memory, the file to whoever takes it. Nothing touches a disk here.
A form without a file may be urlencoded, and is read whole.

Errors: FormFault (not retryable), whose `field` is the one at fault, and FormTextTooLong, which is one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData, Preamble

from webapp.api.interviews.schemas.uploads import WORDS_MAX

_READ_BYTES = 64 * 1024
# A text as long as one in JSON may be; all other fields together.
TEXT_MAX_BYTES = 1024 * 1024
_FIELDS_MAX_BYTES = 64 * 1024
# What the decoder may hold back until it has found the end of a part's head or a boundary.
_BUFFER_MAX_BYTES = 1024 * 1024
# A list may come as so many fields of one name; besides it there are a few.
_MOST_PARTS = WORDS_MAX + 32
# All are there at once: more than may be, so that it can be said which are too many.
_MOST_PAIRS = 1000
_TOO_MANY = f"{WORDS_MAX}개까지 보낼 수 있어요."
_UNREADABLE = "보낸 내용을 읽을 수 없어요. 다시 보내 주세요."
FILE_FIELD, TEXT_FIELD = "file", "text"


class FormFault(Exception):
    """The body is no form, or not such a form."""

    retryable = False

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field)
        self.field = field
        self.sentence = sentence


class FormTextTooLong(FormFault):
    """Its `text` is longer than any that is taken."""


@dataclass
class Form:
    """The fields' values in their order; several of one name are all there."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    has_file: bool = False

    def add(self, name: str, value: str) -> None:
        """Raises FormFault."""
        values = self.fields.setdefault(name, [])
        if len(values) == WORDS_MAX:
            raise FormFault(name[:40], _TOO_MANY)
        values.append(value)


class FileSink(Protocol):
    """Takes the file of the form."""

    def judge(self, form: Form) -> None:
        """The form as far as it has come: before its file begins, and with each field that follows that."""

    def begin(self, file_name: str) -> None: ...

    def write(self, data: bytes) -> None: ...


def read_form(boundary: str, read: Callable[[int], bytes], sink: FileSink) -> Form:
    """Raises FormFault, and whatever the sink raises."""
    reader = _FormReader(sink)
    decoder = MultipartDecoder(boundary.encode(), max_form_memory_size=_BUFFER_MAX_BYTES, max_parts=_MOST_PARTS)
    try:
        while not reader.is_complete:
            data = read(_READ_BYTES)
            decoder.receive_data(data or None)
            _take_events(decoder, reader)
            if not data and not reader.is_complete:
                raise FormFault("body", "보낸 내용이 중간에 끊겼어요. 다시 보내 주세요.")
    except (ValueError, RequestEntityTooLarge) as exc:
        raise FormFault("body", _UNREADABLE) from exc
    return reader.form


def read_urlencoded(data: bytes) -> Form:
    """As clients send a form that has no file. Raises FormFault."""
    form = Form()
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PAIRS)
    except ValueError as exc:
        raise FormFault("body", _UNREADABLE) from exc
    for name, value in pairs:
        form.add(name, value)
    return form


def _take_events(decoder: MultipartDecoder, reader: "_FormReader") -> None:
    while not isinstance(event := decoder.next_event(), NeedData):
        reader.take(event)
        if reader.is_complete:
            return


class _FormReader:
    """Puts the decoder's events together."""

    def __init__(self, sink: FileSink) -> None:
        self.form = Form()
        self.is_complete = False
        self._sink = sink
        self._field: str | None = None
        self._text = bytearray()
        self._left, self._text_left = _FIELDS_MAX_BYTES, TEXT_MAX_BYTES

    def take(self, event: object) -> None:
        if isinstance(event, Preamble):
            return
        if isinstance(event, Field):
            self._field, self._text = event.name, bytearray()
        elif isinstance(event, File):
            self._begin_file(event)
        elif isinstance(event, Data):
            self._take_data(event)
        elif isinstance(event, Epilogue):
            self.is_complete = True

    def _begin_file(self, event: File) -> None:
        if event.name != FILE_FIELD or self.form.has_file:
            raise FormFault(event.name[:40], "파일은 file이라는 이름으로 하나만 보내 주세요.")
        self._field = None
        self.form.has_file = True
        self._sink.judge(self.form)
        self._sink.begin(event.filename or "")

    def _count(self, field: str, size: int) -> None:
        """Before it is kept. Raises FormFault."""
        if field == TEXT_FIELD:
            self._text_left -= size
        else:
            self._left -= size
        if self._text_left < 0:
            raise FormTextTooLong(TEXT_FIELD, "글이 너무 길어요. 나누어서 올려 주세요.")
        if self._left < 0:
            raise FormFault("body", "파일 말고 보낸 내용이 너무 커요.")

    def _take_data(self, event: Data) -> None:
        if self._field is None:
            self._sink.write(event.data)
            return
        self._count(self._field, len(event.data))
        self._text += event.data
        if not event.more_data:
            try:
                self.form.add(self._field, self._text.decode())
            except UnicodeDecodeError as exc:
                raise FormFault(self._field[:40], "UTF-8로 보내 주세요.") from exc
            if self.form.has_file:
                self._sink.judge(self.form)
