"""Larger things: which parts there are, and what they are together."""

import re

from marshmallow import Schema, ValidationError, fields, validate

from services.threads.blobs import LAST_PART
from webapp.api.fields import InputSchema, Text, say

_HASH = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_HASH_MAX = 71
_COUNT = f"1부터 {LAST_PART}까지의 정수를 보내 주세요."


def _check_hash(value: str) -> None:
    if not _HASH.fullmatch(value):
        raise ValidationError("sha256:과 소문자 16진수로 보내 주세요.")


class CompleteBlobInput(InputSchema):
    parts = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(1, LAST_PART, error=_COUNT),
        error_messages=say("조각의 수를 보내 주세요.", _COUNT),
    )
    sealedHash = Text(_HASH_MAX, required=True, validate=_check_hash)


class StoredPartOutput(Schema):
    success = fields.Boolean(required=True)
    blobId = fields.String(required=True)
    part = fields.Integer(required=True)


class CompletedBlobOutput(Schema):
    success = fields.Boolean(required=True)
    blobId = fields.String(required=True)
    size = fields.Integer(required=True)
    sealedHash = fields.String(required=True)
