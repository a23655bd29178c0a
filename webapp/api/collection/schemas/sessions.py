"""Sessions on the wire."""

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from core.clock import clock
from core.names import Status
from models.patients import ConsentKind
from services.collection.failures import AUTHENTICATORS
from services.collection.session_cache import STATUS_FIELDS
from services.patients.identification import Identity
from webapp.api.fields import (
    ID_DOC,
    ID_MAX,
    PATH_MAX,
    WORD_MAX,
    InputSchema,
    Moment,
    StrictBoolean,
    Text,
    check_id,
    check_local_path,
    say,
)
from webapp.api.patients.schemas.person import PersonInput
from webapp.api.patients.schemas.records import CheckupItem, PrescriptionItem

# A form may stay open for long, and a phone's clock may be a little ahead: neither makes a consent of another day.
_AGREED_WITHIN, _PHONE_AHEAD = timedelta(days=1), timedelta(minutes=5)
_LONGEST_CONSENT = timedelta(days=3653)
_MOMENT = "날짜와 시각을 ISO 8601로 보내 주세요. 예: 2025-01-02T03:04:05+09:00"


class ConsentName(fields.Enum[ConsentKind]):
    """A kind of consent."""

    def __init__(self) -> None:
        super().__init__(
            ConsentKind,
            by_value=fields.String,
            error_messages={
                "unknown": "알 수 없는 동의 항목이에요. 빼고 보내 주세요.",
                "invalid": "글자로 보내 주세요.",
            },
        )


def _check_doubles(kinds: list[ConsentKind]) -> None:
    if len(set(kinds)) < len(kinds):
        raise ValidationError("같은 동의 항목은 한 번만 보내 주세요.")


class StartInput(PersonInput):
    """Who asks, and what for. Loads into {"identity": Identity, "redirect_path": ..., "consents": [ConsentKind],
    "consent_texts": {ConsentKind: sha256} or None, "consents_until": datetime or None}."""

    private_auth_type = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(sorted(AUTHENTICATORS), error="인증 방법을 목록에서 골라 주세요."),
        error_messages=say("인증 방법을 골라 주세요.", "인증 방법을 목록에서 골라 주세요."),
        metadata={"description": ", ".join(f"{code} {name}" for code, name in AUTHENTICATORS.items())},
    )
    gender = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(["M", "F"], error="성별을 골라 주세요."),
        error_messages=say("성별을 골라 주세요.", "성별을 골라 주세요."),
    )
    oid = Text(ID_MAX, allow_none=True, validate=check_id, metadata=ID_DOC | {"description": "Order of a campaign."})
    redirect_path = Text(
        PATH_MAX,
        allow_none=True,
        validate=check_local_path,
        metadata={
            "description": "A report is made when it contains `disease-report`.",
            "example": "/disease-report",
        },
    )
    patient_uuid = fields.UUID(allow_none=True, error_messages={"invalid_uuid": "UUID 형식이 아니에요."})
    hospital_id = Text(ID_MAX, allow_none=True, validate=check_id, metadata=ID_DOC)
    consents = fields.List(
        ConsentName(),
        validate=[_check_doubles],
        load_default=None,
        allow_none=True,
        error_messages={"invalid": "동의한 항목을 목록으로 보내 주세요."},
        metadata={"description": "What the person agreed to; `GET /api/v1/consents/texts` has the texts."},
    )
    consent_texts = fields.Dict(
        keys=ConsentName(),
        values=Text(WORD_MAX, error_messages={"invalid": "글자로 보내 주세요."}),
        load_default=None,
        allow_none=True,
        error_messages={"invalid": "항목별로 보내 주세요."},
        metadata={"description": "By kind, the `sha256` of the text shown; one that has changed is asked for again."},
    )
    terms_agreed = StrictBoolean(load_default=False)
    terms_agreed_at = Moment(
        _MOMENT,
        allow_none=True,
        metadata={"description": "Within the last day; without it, the server's time of this call."},
    )
    terms_expires_at = Moment(
        _MOMENT, allow_none=True, metadata={"description": "After both; no more than ten years after the agreement."}
    )

    @validates_schema(skip_on_field_errors=True)
    def check_terms(self, data: dict[str, Any], **_: Any) -> None:
        now = clock.now()
        agreed_at, expires_at = data.get("terms_agreed_at") or now, data.get("terms_expires_at")
        if not now - _AGREED_WITHIN <= agreed_at <= now + _PHONE_AHEAD:
            raise ValidationError("지금부터 하루 안에 동의한 시각을 보내 주세요.", "terms_agreed_at")
        if expires_at and expires_at <= max(agreed_at, now):
            raise ValidationError("동의한 시각보다 늦어야 해요.", "terms_expires_at")
        if expires_at and expires_at > agreed_at + _LONGEST_CONSENT:
            raise ValidationError("동의한 시각부터 10년 안이어야 해요.", "terms_expires_at")

    @post_load
    def build_identity(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        asked = {name: data.pop(name, None) for name in ("redirect_path", "consent_texts")}
        terms = {name: data.pop(name, None) for name in ("consents", "terms_agreed", "terms_agreed_at")}
        consents = terms["consents"]
        if consents is None:
            # The short form of before: all of them, whatever is needed.
            consents = list(ConsentKind) if terms["terms_agreed"] else []
        until = data.pop("terms_expires_at", None)
        return {"identity": Identity(**data), "consents": consents, "consents_until": until} | asked


class StartOutput(Schema):
    success = fields.Boolean(required=True)
    session_id = fields.UUID(required=True)
    session_token = fields.String(required=True, metadata={"description": "Bearer token; also set as a cookie."})
    message = fields.String(required=True)
    next_step = fields.String(required=True)


class SessionIdQuery(InputSchema):
    session_id = Text(WORD_MAX, metadata={"description": "Here or in the body."})


class SessionIdInput(InputSchema):
    session_id = Text(WORD_MAX, error_messages={"invalid": "session_id를 글자로 보내 주세요."})


class SimpleAuthOutput(Schema):
    success = fields.Boolean(required=True)
    session_id = fields.String(required=True)
    message = fields.String(required=True)
    next_step = fields.String(required=True)
    duplicate_request_prevented = fields.Boolean()


class CollectOutput(Schema):
    success = fields.Boolean(required=True)
    session_id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf([str(status) for status in Status]))
    message = fields.String(required=True)
    duplicate_collection_prevented = fields.Boolean()


class EventItem(Schema):
    """One numbered event."""

    seq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    type = fields.String(required=True)
    session_id = fields.String(required=True)
    message = fields.String(required=True)
    timestamp = fields.String(required=True, metadata={"format": "date-time"})
    status = fields.String()
    data = fields.Dict(keys=fields.String())


# From the one table of a session's fields. Their values are plain already; their schema is for the document.
StatusState = Schema.from_dict(
    {field.name: fields.Raw(required=True, metadata=dict(field.schema or {})) for field in STATUS_FIELDS},
    name="StatusState",
)


_ALL_RECORDS = {
    "description": "When completed, for the token of the approval: all that `/patients/{uuid}/checkups` and"
    " `/prescriptions` list on their pages, newest first, however many; without pictures."
}


class StatusOutput(StatusState):  # type: ignore[misc, valid-type] # made at run time
    success = fields.Boolean(required=True)
    messages = fields.List(fields.Nested(EventItem), required=True)
    last_seq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    session_token = fields.String(
        metadata={
            "description": "Once, after the approval, for who asks with a bearer token: the new one, which alone opens"
            " the records. A browser gets it as a cookie."
        }
    )
    health_data = fields.List(fields.Nested(CheckupItem), metadata=_ALL_RECORDS)
    prescription_data = fields.List(fields.Nested(PrescriptionItem), metadata=_ALL_RECORDS)


class MessagesQuery(InputSchema):
    after_seq = fields.Integer(
        load_default=0,
        validate=validate.Range(0, 2**53, error="0 이상의 숫자로 보내 주세요."),
        error_messages={"invalid": "0 이상의 숫자로 보내 주세요."},
    )
    epoch = Text(
        WORD_MAX,
        load_default="",
        metadata={"description": "Of the last event seen; a lost history is then noticed."},
    )
    wait = fields.Float(
        load_default=0,
        validate=validate.Range(0, 60, error="0부터 60까지의 초로 보내 주세요."),
        error_messages={"invalid": "0부터 60까지의 초로 보내 주세요."},
        metadata={"description": "Seconds to wait for an event when there is none yet (long poll)."},
    )


class MessagesOutput(Schema):
    success = fields.Boolean(required=True)
    session_id = fields.String(required=True)
    messages = fields.List(fields.Nested(EventItem), required=True)
    last_seq = fields.Integer(required=True)
    epoch = fields.String(required=True)
    resync = fields.Boolean(
        required=True, metadata={"description": "What came after the number is gone: take `state` instead."}
    )
    state = fields.Dict(keys=fields.String(), metadata={"description": "With `resync`: the state at `last_seq`."})
