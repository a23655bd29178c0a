"""Files of the spool on the wire, for operators. Names hold no personal data."""

from marshmallow import Schema, fields, validate

from spool import AnswerKind, DataType, Folder
from webapp.api.fields import WORD_MAX, InputSchema, Text

FILE_TYPES = sorted({*(kind.value for kind in DataType), *(kind.value for kind in AnswerKind)})


class FilesQuery(InputSchema):
    folder = Text(
        WORD_MAX,
        load_default=Folder.FAILED.value,
        validate=validate.OneOf([Folder.FAILED.value, Folder.PENDING.value], error="failed 또는 pending만 돼요."),
    )
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, 1000, error="1에서 1000까지 쓸 수 있어요."),
        error_messages={"invalid": "1에서 1000까지의 숫자로 보내 주세요."},
    )


class CleanInput(InputSchema):
    older_than_days = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(7, 36_500, error="7일보다 새 파일은 지울 수 없어요."),
        error_messages={"required": "며칠 지난 파일을 지울지 보내 주세요.", "invalid": "숫자로 보내 주세요."},
    )


class TryItem(Schema):
    at = fields.AwareDateTime(required=True)
    reason = fields.String(required=True)


class FileItem(Schema):
    name = fields.String(required=True)
    folder = fields.String(required=True, validate=validate.OneOf([folder.value for folder in Folder]))
    size_bytes = fields.Integer(required=True)
    data_type = fields.String(required=True, validate=validate.OneOf(FILE_TYPES))
    session_id = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    retry_count = fields.Integer(required=True)
    last_error = fields.String(required=True, allow_none=True)
    next_retry_at = fields.AwareDateTime(required=True, allow_none=True)
    parked = fields.Boolean(required=True)
    history = fields.List(fields.Nested(TryItem), required=True)


class FilesOutput(Schema):
    success = fields.Boolean(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    files = fields.List(fields.Nested(FileItem), required=True)


class FileOutput(Schema):
    success = fields.Boolean(required=True)
    file = fields.Nested(FileItem, required=True)


class CleanOutput(Schema):
    success = fields.Boolean(required=True)
    removed = fields.Integer(required=True)
