"""Actions on a journey, over HTTP and over a socket."""

from marshmallow import Schema, fields, validate

from models.journey import JourneyState
from webapp.api.fields import WORD_MAX, InputSchema, Text, say
from webapp.api.journey.schemas.keys import KeyField
from webapp.api.journey.schemas.snapshot import SnapshotOutput
from webapp.api.journey.schemas.words import ReasonQuery, sun_word

_ACTION_NEEDED = "무엇을 할지 보내 주세요."
_ACTION = say(_ACTION_NEEDED, "무엇을 할지 글자로 보내 주세요.")
_WORDS = say("글자로 보내 주세요.", "글자로 보내 주세요.")
_REASON_MAX = 200
_STATES = [str(state) for state in JourneyState]


def _word() -> Text:
    return Text(WORD_MAX, allow_none=True, error_messages=_WORDS)


class PayloadInput(InputSchema):
    """What any action may carry; which fields an action knows is decided with the action."""

    tag_uid = _word()
    tag_code = _word()
    tag_id = _word()
    e = sun_word("e")
    c = sun_word("c")
    exam_id = _word()
    appointment_id = _word()
    queue_id = _word()
    room_id = _word()
    reason = Text(_REASON_MAX, allow_none=True, error_messages=_WORDS)


class ActionInput(InputSchema):
    action_type = Text(
        WORD_MAX, required=True, validate=validate.Length(1, error=_ACTION_NEEDED), error_messages=_ACTION
    )
    payload = fields.Nested(PayloadInput, load_default=dict)
    expected_state = Text(
        WORD_MAX,
        load_default=None,
        validate=validate.OneOf(_STATES, error="알 수 없는 상태예요."),
        error_messages=_WORDS,
        metadata={"description": "The state that the page shows: anything else is refused with STATE_CONFLICT."},
    )
    idempotency_key = KeyField()


class PerformInput(ActionInput):
    patient_id = Text(
        WORD_MAX, load_default=None, error_messages=_WORDS, metadata={"description": "Of staff: whose journey."}
    )


class CommandInput(ActionInput):
    """The same as a frame of a socket."""

    command = Text(WORD_MAX)
    type = Text(WORD_MAX)
    request_id = Text(WORD_MAX, load_default=None, error_messages=_WORDS)


class JourneyOutput(SnapshotOutput):
    success = fields.Boolean(required=True)


class JourneyStepItem(Schema):
    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    trigger_type = fields.String(required=True)
    trigger_source = fields.String(required=True)
    created_at = fields.DateTime(required=True)


class HistoryOutput(Schema):
    success = fields.Boolean(required=True)
    visit_id = fields.String(required=True, allow_none=True)
    transitions = fields.List(fields.Nested(JourneyStepItem), required=True)


class PatientQuery(ReasonQuery):
    patient_id = Text(WORD_MAX, load_default=None, metadata={"description": "Of staff: whose journey."})


class HistoryQuery(PatientQuery):
    visit_id = fields.UUID(load_default=None, error_messages={"invalid_uuid": "방문 번호를 확인해 주세요."})
