"""A patient's stored records on the wire."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields, validate

from webapp.api.fields import InputSchema, Text

# Pictures of drugs make up most of a treatment's raw data, and no page shows them.
_PICTURES = frozenset({"DrugImage"})
_NEXT = {"description": "Where the next page begins; absent on the last one."}
_NEXT_AFTER = {"description": "The same under its older name: null on the last page."}


class Measured(fields.Field[Decimal]):
    """A measurement as a JSON number; null when the insurer gave none."""

    def __init__(self) -> None:
        super().__init__(required=True, allow_none=True, metadata={"type": "number"})  # `allow_none` adds "null"

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **_: Any) -> float | None:  # noqa: ARG002
        return None if value is None else float(value)


class WithoutPictures(fields.Field[Any]):
    """JSON of the provider, as it was stored."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:  # noqa: ARG002
        return without_pictures(value)


def without_pictures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_pictures(item) for name, item in value.items() if name not in _PICTURES}
    if isinstance(value, list):
        return [without_pictures(item) for item in value]
    return value


class PageQuery(InputSchema):
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200, error="1에서 200까지 쓸 수 있어요."),
        error_messages={"invalid": "1에서 200까지의 숫자로 보내 주세요."},
    )
    after = Text(
        200,
        load_default=None,
        validate=validate.Length(min=1, error="앞선 답의 next 값을 그대로 보내 주세요."),
        metadata={"description": "The `next` of the page before."},
    )


class TreatmentsQuery(PageQuery):
    images = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "0이나 1로 보내 주세요."},
        metadata={"description": "With the pictures of drugs: by far the most of an answer."},
    )


class ItemReference(Schema):
    name = fields.String(required=True)
    value = fields.String(required=True)


class InspectedItem(Schema):
    """One item of a checkup."""

    name = fields.String(required=True)
    value = fields.String(required=True, metadata={"description": "As the insurer served it."})
    number = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Null for words, for pairs, and for what is no number."},
    )
    unit = fields.String(required=True)
    references = fields.List(fields.Nested(ItemReference), required=True)
    columns = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The checkup's fields that it belongs to: two for a pair, none for most."},
    )


class CheckupItem(Schema):
    id = fields.Integer(required=True)
    year = fields.Integer(required=True, allow_none=True)
    checkup_date = fields.Date(required=True, allow_none=True)
    location = fields.String(required=True)
    code = fields.String(required=True)
    description = fields.String(required=True)
    height_cm = Measured()
    weight_kg = Measured()
    waist_cm = Measured()
    bmi = Measured()
    systolic_mmhg = Measured()
    diastolic_mmhg = Measured()
    fasting_glucose_mg_dl = Measured()
    total_cholesterol_mg_dl = Measured()
    hdl_mg_dl = Measured()
    ldl_mg_dl = Measured()
    triglycerides_mg_dl = Measured()
    hemoglobin_g_dl = Measured()
    creatinine_mg_dl = Measured()
    gfr = Measured()
    ast_u_l = Measured()
    alt_u_l = Measured()
    gamma_gtp_u_l = Measured()
    urine_protein = fields.String(required=True, allow_none=True)
    tuberculosis = fields.String(required=True, allow_none=True)
    bone_density = fields.String(required=True, allow_none=True)
    vision_left = fields.String(required=True, allow_none=True)
    vision_right = fields.String(required=True, allow_none=True)
    hearing_left = fields.String(required=True, allow_none=True)
    hearing_right = fields.String(required=True, allow_none=True)
    items = fields.List(
        fields.Nested(InspectedItem), required=True, metadata={"description": "Every item, in the insurer's order."}
    )
    raw_data = WithoutPictures(required=True, metadata={"type": "object"})


class PrescriptionItem(Schema):
    id = fields.Integer(required=True)
    hospital_name = fields.String(required=True)
    address = fields.String(required=True)
    treatment_date = fields.Date(required=True, allow_none=True)
    treatment_type = fields.String(required=True)
    visit_count = fields.Integer(required=True, allow_none=True)
    medication_count = fields.Integer(required=True, allow_none=True)
    prescription_count = fields.Integer(required=True, allow_none=True)
    details: fields.Field[Any] = WithoutPictures(required=True, metadata={"type": "array", "items": {}})
    raw_data = WithoutPictures(
        required=True,
        metadata={"type": "object", "description": "What else was served; the details stand in `details`."},
    )


class IllustratedPrescription(PrescriptionItem):
    """With its pictures."""

    details = fields.Raw(required=True, metadata={"type": "array", "items": {}})


class RecordPerson(Schema):
    """Whose records they are."""

    name = fields.String(required=True)
    birthdate = fields.Date(required=True)
    gender = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(["M", "F"]), metadata={"description": "Null: not told."}
    )


class CheckupsOutput(Schema):
    success = fields.Boolean(required=True)
    patient_uuid = fields.UUID(required=True)
    person = fields.Nested(RecordPerson, required=True)
    collected_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Of the insurer's newest answer on checkups."}
    )
    items = fields.List(fields.Nested(CheckupItem), required=True)
    next = fields.String(metadata=_NEXT)
    next_after = fields.String(required=True, allow_none=True, metadata=_NEXT_AFTER)


class PrescriptionsOutput(Schema):
    success = fields.Boolean(required=True)
    patient_uuid = fields.UUID(required=True)
    items = fields.List(fields.Nested(PrescriptionItem), required=True)
    next = fields.String(metadata=_NEXT)
    next_after = fields.String(required=True, allow_none=True, metadata=_NEXT_AFTER)


class IllustratedPrescriptionsOutput(PrescriptionsOutput):
    items = fields.List(fields.Nested(IllustratedPrescription), required=True)


class PatientReport(Schema):
    report_url = fields.String(required=True, allow_none=True)
    provider = fields.String(required=True, allow_none=True)
    analyzed_at = fields.AwareDateTime(required=True, allow_none=True)
    bodyage = fields.Integer(required=True, allow_none=True)
    rank = fields.Integer(required=True, allow_none=True, metadata={"description": "Of a hundred; 1 is the best."})
    checkup_date = fields.Date(
        required=True, allow_none=True, metadata={"description": "Of the checkup that it is based on; null: not known."}
    )
    disease_data = fields.Raw(required=True, metadata={"type": "array", "items": {}})
    cancer_data = fields.Raw(required=True, metadata={"type": "array", "items": {}})
    updated_at = fields.AwareDateTime(required=True)


class ReportOutput(Schema):
    success = fields.Boolean(required=True)
    patient_uuid = fields.UUID(required=True)
    person = fields.Nested(RecordPerson, required=True)
    report = fields.Nested(PatientReport, required=True, allow_none=True)
