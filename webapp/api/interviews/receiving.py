"""Receives an upload: bytes sealed to the disk as they come, fields judged, nothing left of what is refused."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

from flask import request
from marshmallow import ValidationError

from core.letters import compose, is_longer
from services.interviews.budgets import most_characters
from services.interviews.extraction.blanks import is_blank
from services.interviews.extraction.decoding import clean_text
from services.interviews.extraction.kinds import REFUSED, extension_of, kind_of
from services.interviews.files import ORIGINAL, TEXT, Said, keep_said
from services.interviews.masking.masker import PatternMasker
from services.interviews.numbering import outgrows
from services.interviews.uploading import UploadedInterview, title_of
from spool import SealedFileWriter, StreamedFiles
from webapp.api.interviews.multipart import (
    FILE_FIELD,
    TEXT_MAX_BYTES,
    Form,
    FormFault,
    FormTextTooLong,
    read_form,
    read_urlencoded,
)
from webapp.api.interviews.schemas.uploads import WORDS_MAX, UploadForm, UploadInput
from webapp.bodies import let_rest_come, read_stream, read_strict_json
from webapp.error_codes import Code
from webapp.errors import ApiError, flatten_messages
from webapp.json_reader import UnreadableJson, holds_odd_characters, read_json
from webapp.offloop import run_off_loop

FILE_MAX_BYTES = 50 * 1024 * 1024
# Of a form: the largest file, and what goes with it.
BODY_MAX_BYTES = FILE_MAX_BYTES + TEXT_MAX_BYTES
_JSON_MAX_BYTES = 1024 * 1024
_FILE_NAME_MAX = 255
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN_KIND = "이 형식은 읽을 수 없어요. txt, docx, xlsx, pdf, html, rtf로 저장해서 올려 주세요."


@contextmanager
def received_upload(
    files: StreamedFiles, text_max: int, admit: Callable[[UUID], object]
) -> Iterator[tuple[UploadedInterview, Callable[[], None]]]:
    """What came lies on the disk for as long as the block runs, and stays when it ends without an error. `admit` judges
    the project as soon as it is known: before anything is stored, unless a form has its file first.

    The block calls what it is given as second right before it commits: what fails from then on may have been committed
    all the same, so the files stay, and `drop_strays` removes those without a row.

    Raises ApiError, StorageFault, and whatever `admit` raises.
    """
    interview_id, may_be_stored = uuid4(), Event()
    try:
        yield _receive(files, interview_id, text_max, admit), may_be_stored.set
    except BaseException:
        if not may_be_stored.is_set():
            files.drop_all(interview_id)
        raise


def _receive(
    files: StreamedFiles, interview_id: UUID, text_max: int, admit: Callable[[UUID], object]
) -> UploadedInterview:
    if request.mimetype == "multipart/form-data":
        return _receive_form(files, interview_id, text_max, admit)
    said = _judge(_read_fields())
    admit(said.project_id)
    return _keep_text(files, interview_id, said, text_max)


def _read_fields() -> Any:
    """Of a body that holds no file. Raises ApiError, ClientDisconnected."""
    is_form = request.mimetype == "application/x-www-form-urlencoded"
    if not (request.is_json or is_form or not request.mimetype):
        raise ApiError(Code.NOT_JSON)
    data = read_stream(_JSON_MAX_BYTES)
    if request.is_json:
        return read_strict_json(data)
    if data and not is_form:
        raise ApiError(Code.NOT_JSON)
    try:
        return _fields_of(read_urlencoded(data))
    except FormFault as exc:
        raise _wrong(exc.field, exc.sentence) from exc


def _receive_form(
    files: StreamedFiles, interview_id: UUID, text_max: int, admit: Callable[[UUID], object]
) -> UploadedInterview:
    file = _IncomingFile(files, interview_id, admit)
    try:
        form = read_form(request.mimetype_params.get("boundary", ""), request.stream.read, file)
        said = _judge(_fields_of(form))
        if not form.has_file or (not file.name and not file.size):
            file.abort()
            admit(said.project_id)
            return _keep_text(files, interview_id, said, text_max)
        file.finish()
    except BaseException as exc:
        file.abort()
        # The sender may be in the middle of it, and should see the answer.
        let_rest_come()
        if isinstance(exc, FormTextTooLong):
            raise ApiError(Code.TEXT_TOO_LONG, details={exc.field: [exc.sentence]}) from exc
        if isinstance(exc, FormFault):
            raise _wrong(exc.field, exc.sentence) from exc
        raise
    keep_said(files, interview_id, Said(file.name, said.mask_words, said.title or title_of(file.name)))
    most = most_characters(file.name, file.size, text_max)
    return _upload_of(interview_id, said, sha256=file.sha256, characters=most, size=file.size, file_name=file.name)


class _IncomingFile:
    """The file of a form: sealed as it comes, once what is known of the form has been judged."""

    def __init__(self, files: StreamedFiles, interview_id: UUID, admit: Callable[[UUID], object]) -> None:
        self.name = ""
        self.size = 0
        self._files = files
        self._interview_id = interview_id
        self._hash = hashlib.sha256()
        self._admit = admit
        self._project_id: UUID | None = None
        self._writer: SealedFileWriter | None = None

    def judge(self, form: Form) -> None:
        """Raises ApiError, FormFault, and whatever `admit` raises, which is asked once."""
        project_id = _load(_fields_of(form), partial=("project_id",)).get("project_id")
        if project_id is not None and project_id != self._project_id:
            self._project_id = project_id
            self._admit(project_id)

    def begin(self, file_name: str) -> None:
        """Raises ApiError, StorageFault."""
        # A name is never a path: of one its last part counts.
        self.name = compose(file_name.replace("\\", "/").rpartition("/")[2])
        if not self.name:
            return  # what a browser sends of a form in which none was chosen
        _require_name(self.name)
        self._writer = self._files.begin(self._interview_id, ORIGINAL)

    def write(self, data: bytes) -> None:
        """Raises ApiError, StorageFault."""
        self.size += len(data)
        if self.size > FILE_MAX_BYTES:
            raise ApiError(Code.FILE_TOO_LARGE)
        if self._writer is not None:
            self._hash.update(data)
            self._writer.write(data)
        elif data:
            _require_name(self.name)

    def finish(self) -> None:
        """Durable. Raises ApiError, StorageFault."""
        if not self.size:
            raise _wrong(FILE_FIELD, "빈 파일이에요. 내용이 있는 파일을 올려 주세요.")
        if self._writer is not None:
            self._writer.keep()

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.abort()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _require_name(name: str) -> None:
    """Raises ApiError."""
    if not name.strip():
        raise _wrong(FILE_FIELD, "파일을 골라 주세요.")
    if len(name) > _FILE_NAME_MAX or holds_odd_characters(name):
        raise _wrong(FILE_FIELD, f"파일 이름은 {_FILE_NAME_MAX}자까지 쓸 수 있어요.")
    if kind_of(name) is None:
        raise _wrong(FILE_FIELD, REFUSED.get(extension_of(name), _UNKNOWN_KIND))


def _fields_of(form: Form) -> dict[str, Any]:
    fields: dict[str, Any] = {name: values[0] for name, values in form.fields.items()}
    for name, values in form.fields.items():
        if len(values) > 1 and name != "maskWords":
            raise FormFault(name[:40], "한 번만 보내 주세요.")
    if "maskWords" in fields:
        fields["maskWords"] = [word for value in form.fields["maskWords"] for word in _split_words(value)]
    if holds_odd_characters(fields):
        raise FormFault("body", "쓸 수 없는 글자(NUL)를 빼고 보내 주세요.")
    return fields


@dataclass(frozen=True)
class _Fields:
    """The fields of an upload, as they were judged."""

    project_id: UUID
    text: str | None
    title: str | None
    last_modified: datetime | None
    mask_words: tuple[str, ...]
    consents: bool


def _split_words(text: str) -> list[Any]:
    """Of a text with commas, or of a JSON list, as whoever fills a form from a list sends it. Raises ApiError."""
    if not text.lstrip().startswith("["):
        # No more than could be taken: a long text must not become a long list first.
        return [part.strip() for part in text.split(",", WORDS_MAX + 1) if part.strip()]
    try:
        words: list[Any] = read_json(text.encode())
    except UnreadableJson as exc:
        raise _wrong("maskWords", "가릴 말을 쉼표로 나누거나 JSON 목록으로 보내 주세요.") from exc
    return words


def _load(fields: Any, *, partial: tuple[str, ...] = ()) -> dict[str, Any]:
    """Those that are there; `partial` names what may still come. Raises ApiError."""
    if isinstance(fields, dict) and isinstance(words := fields.get("maskWords"), str):
        fields = fields | {"maskWords": _split_words(words)}
    try:
        schema = UploadInput() if request.is_json else UploadForm()
        said: dict[str, Any] = schema.load(fields, partial=partial)
    except ValidationError as exc:
        raise ApiError(Code.VALIDATION_FAILED, details=flatten_messages({"json": exc.messages})) from exc
    return said


def _judge(fields: Any) -> _Fields:
    """Raises ApiError."""
    said = _load(fields)
    modified: int | None = said["last_modified"]
    return _Fields(
        project_id=said["project_id"],
        text=said["text"],
        title=None if is_blank(said["title"] or "") else said["title"].strip(),
        last_modified=None if modified is None else _EPOCH + timedelta(milliseconds=modified),
        mask_words=tuple(word.strip() for word in said["mask_words"] if word.strip()),
        consents=said["consents"],
    )


def _keep_text(files: StreamedFiles, interview_id: UUID, said: _Fields, text_max: int) -> UploadedInterview:
    """Raises ApiError, StorageFault."""
    if said.text is None:
        raise _wrong(FILE_FIELD, "파일이나 글을 보내 주세요.")
    if is_blank(said.text):
        raise _wrong("text", "글이 비어 있어요.")
    if is_longer(said.text, text_max):
        raise ApiError(Code.TEXT_TOO_LONG, details={"text": [f"{text_max}자까지 올릴 수 있어요."]})
    named = Said(None, said.mask_words, said.title or title_of(None))
    # Masked as the worker will: what is taken must not fail for it later.
    if run_off_loop(outgrows, PatternMasker(), clean_text(said.text), named, text_max):
        sentence = f"이름과 번호를 가린 글도 {text_max}자까지예요. 나누어서 올려 주세요."
        raise ApiError(Code.TEXT_TOO_LONG, details={"text": [sentence]})
    content = said.text.encode()
    files.put(interview_id, TEXT, content)
    keep_said(files, interview_id, named)
    return _upload_of(interview_id, said, sha256=hashlib.sha256(content).hexdigest(), characters=len(said.text))


def _upload_of(interview_id: UUID, said: _Fields, **file: Any) -> UploadedInterview:
    return UploadedInterview(
        interview_id=interview_id,
        project_id=said.project_id,
        title=said.title,
        last_modified=said.last_modified,
        mask_words=said.mask_words,
        consents=said.consents,
        **file,
    )


def _wrong(field: str, sentence: str) -> ApiError:
    return ApiError(Code.VALIDATION_FAILED, details={field: [sentence]})
