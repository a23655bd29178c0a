"""SMART Health Links as the patient makes and sees them."""

from marshmallow import Schema, fields, validate

from models.shl import FetchKind
from services.shl.files import ContentType
from webapp.api.fields import WORD_MAX, InputSchema, StrictBoolean, Text, say

FILES_BODY_MAX_BYTES = 5 * 1024 * 1024
_MOST_FILES = 20
_LAST_SECOND = 32_503_679_999  # of the year 2999
_PASSCODE = "암호는 4자에서 100자로 정해 주세요."
_FILES = f"암호화된 파일을 1개에서 {_MOST_FILES}개까지 보내 주세요."
_EXP = "끝나는 시각을 초로 보내 주세요."


class EncryptedFileInput(InputSchema):
    contentType = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(list(ContentType), error=f"{', '.join(ContentType)} 가운데 하나를 보내 주세요."),
    )
    jwe = Text(FILES_BODY_MAX_BYTES, required=True, metadata={"description": "Compact JWE, `dir` and `A256GCM`."})


class FilesInput(InputSchema):
    files = fields.List(
        fields.Nested(EncryptedFileInput),
        required=True,
        validate=validate.Length(1, _MOST_FILES, error=_FILES),
        metadata={"maxItems": _MOST_FILES},
        error_messages=say(_FILES, _FILES),
    )


class MakeLinkInput(FilesInput):
    exp = fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=validate.Range(1, _LAST_SECOND, error=_EXP),
        error_messages=say(_EXP, _EXP),
        metadata={"description": "When it ends, in seconds of Unix time."},
    )
    passcode = Text(100, load_default=None, allow_none=True, validate=validate.Length(4, 100, error=_PASSCODE))
    longTerm = StrictBoolean(load_default=False)
    label = Text(80, load_default=None, allow_none=True)


class MadeLinkOutput(Schema):
    success = fields.Boolean(required=True)
    id = fields.String(required=True)
    url = fields.String(required=True, metadata={"description": "Of the payload; at most 128 characters."})


class ReplacedFilesOutput(Schema):
    success = fields.Boolean(required=True)


class OwnFileItem(Schema):
    contentType = fields.String(required=True)
    length = fields.Integer(required=True)
    lastUpdated = fields.AwareDateTime(required=True)


class FetchItem(Schema):
    at = fields.AwareDateTime(required=True)
    what = fields.String(required=True, validate=validate.OneOf(list(FetchKind)))
    recipient = fields.String(required=True, metadata={"description": "As they call themselves."})
    network = fields.String(required=True, allow_none=True)


class OwnLinkItem(Schema):
    id = fields.String(required=True)
    url = fields.String(required=True)
    label = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "expired", "revoked", "locked"]))
    longTerm = fields.Boolean(required=True)
    hasPasscode = fields.Boolean(required=True)
    remainingAttempts = fields.Integer(required=True, allow_none=True)
    createdAt = fields.AwareDateTime(required=True)
    exp = fields.Integer(required=True, allow_none=True)
    files = fields.List(fields.Nested(OwnFileItem), required=True)
    fetches = fields.List(fields.Nested(FetchItem), required=True, metadata={"description": "The newest 50."})


class OwnLinksOutput(Schema):
    success = fields.Boolean(required=True)
    links = fields.List(fields.Nested(OwnLinkItem), required=True)
