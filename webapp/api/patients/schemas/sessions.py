"""A patient's open sessions on the wire."""

import re
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from models.patients import OpenedBy
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.api.patients.schemas.access_log import OpeningsOutput, ReasonField

_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_WHOSE = "세션이나 환자, 계정의 ID, 또는 가명 32자를 보내 주세요."


class PatientSessionItem(Schema):
    """`id` opens nothing; `address` is shortened, `device` names browser and system in words."""

    id = fields.UUID(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_seen_at = fields.AwareDateTime(required=True)
    current = fields.Boolean(required=True, metadata={"description": "The one that asks."})
    opened_by = fields.String(required=True, validate=validate.OneOf([kind.value for kind in OpenedBy]))
    address = fields.String(required=True, allow_none=True)
    device = fields.String(required=True, allow_none=True)


class PatientSessionsOutput(OpeningsOutput):
    success = fields.Boolean(required=True)
    has_password = fields.Boolean(
        required=True, metadata={"description": "Whether the records open with a password, too."}
    )
    items = fields.List(fields.Nested(PatientSessionItem), required=True)


class IdOrPseudonym(Text):
    """An id in the form of a UUID, or the 32 characters of a pseudonym."""

    default_error_messages = {"unreadable": _WHOSE}  # noqa: RUF012 read by marshmallow

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if _PSEUDONYM.fullmatch(text):
            return text
        try:
            return UUID(text)
        except ValueError as exc:
            raise self.make_error("unreadable") from exc


class EndSessionsInput(InputSchema):
    id = IdOrPseudonym(
        WORD_MAX,
        required=True,
        error_messages=say(_WHOSE, _WHOSE),
        metadata={
            "description": "Whose: the id of a patient, of any session or login of theirs, of an account, or the "
            "pseudonym under which a patient stands in the access log."
        },
    )
    reason = ReasonField(required=True, metadata={"description": "Why; the person reads it in their access log."})


class EndedSessionsOutput(Schema):
    success = fields.Boolean(required=True)
    ended = fields.Integer(required=True, metadata={"description": "How many sessions and logins were ended."})
