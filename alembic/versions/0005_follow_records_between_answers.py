"""follow records between answers: items, withdrawal, versions, pictures once."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHECKUPS, _PRESCRIPTIONS = "welno_checkup_data", "welno_prescription_data"
_FINDINGS = ("bone_density", "vision_left", "vision_right", "hearing_left", "hearing_right")
_JSONB = postgresql.JSONB(astext_type=sa.Text())
# Numbers in other forms than plain ones stay null until the next answer is read.
_ITEMS = """
update welno.welno_checkup_data set
    answered_at = updated_at,
    urine_protein = case when urine_protein in ('', '-', '비해당', '미해당', '해당없음', '해당 없음', '미실시', '검사안함', '검사 안함') then null else urine_protein end,
    tuberculosis = case when tuberculosis in ('', '-', '비해당', '미해당', '해당없음', '해당 없음', '미실시', '검사안함', '검사 안함') then null else tuberculosis end,
    items = coalesce((
    select jsonb_agg(jsonb_build_object(
        'name', coalesce(btrim(item->>'Name'), ''),
        'value', coalesce(btrim(item->>'Value'), ''),
        'number', case when btrim(item->>'Value') ~ '^[0-9]{1,5}([.][0-9]{1,9})?$'
            then nullif(btrim(item->>'Value')::numeric, 0) end,
        'unit', coalesce(btrim(item->>'Unit'), ''),
        'references', coalesce((
            select jsonb_agg(jsonb_build_object(
                'name', coalesce(btrim(reference->>'Name'), ''), 'value', coalesce(btrim(reference->>'Value'), '')
            ) order by place)
            from jsonb_path_query(item, 'lax $.ItemReferences[*] ? (@.type() == "object")')
                with ordinality as listed (reference, place)
        ), '[]')
    ) order by place)
    from jsonb_path_query(raw_data, 'lax $.Inspections[*].Illnesses[*].Items[*] ? (@.type() == "object")')
        with ordinality as found (item, place)
), '[]')
"""
_MEASURED = """
update welno.welno_checkup_data as checkup set
    bone_density = found.bones,
    vision_left = nullif(btrim(split_part(found.sight, '/', 1)), ''),
    vision_right = nullif(btrim(split_part(found.sight, '/', 2)), ''),
    hearing_left = nullif(btrim(split_part(found.hearing, '/', 1)), ''),
    hearing_right = nullif(btrim(split_part(found.hearing, '/', 2)), '')
from (
    select stored.id,
        min(item->>'value') filter (where item->>'name' ~ '^(골다공증|골밀도)') as bones,
        min(item->>'value') filter (where item->>'name' ~ '^시력' and item->>'value' like '%/%') as sight,
        min(item->>'value') filter (where item->>'name' ~ '^(청력|청각)' and item->>'value' like '%/%') as hearing
    from welno.welno_checkup_data as stored, jsonb_array_elements(stored.items) as item
    where item->>'value' not in ('', '-', '비해당', '미해당', '해당없음', '해당 없음', '미실시', '검사안함', '검사 안함')
    group by stored.id
) as found
where found.id = checkup.id
"""
# Only where nothing is lost: a row of which raw_data and details differ keeps both until the next answer.
_TAKE_PICTURES_OUT = """
update welno.welno_prescription_data set
    answered_at = updated_at,
    raw_data = raw_data - 'RetrieveTreatmentInjectionInformationPersonDetailList',
    pictures = coalesce((
        select jsonb_object_agg((place - 1)::text, detail->'RetrieveMdsupDtlInfo'->'DrugImage')
        from jsonb_array_elements(details) with ordinality as listed (detail, place)
        where length(detail->'RetrieveMdsupDtlInfo'->>'DrugImage') > 0
    ), '{}'),
    details = (
        select jsonb_agg(
            case when length(detail->'RetrieveMdsupDtlInfo'->>'DrugImage') > 0
                then jsonb_set(detail, '{RetrieveMdsupDtlInfo}', (detail->'RetrieveMdsupDtlInfo') - 'DrugImage')
                else detail end
            order by place)
        from jsonb_array_elements(details) with ordinality as listed (detail, place)
    )
where jsonb_array_length(details) > 0 and raw_data->'RetrieveTreatmentInjectionInformationPersonDetailList' = details
"""
_DATE_THE_OTHERS = """
update welno.welno_prescription_data set answered_at = updated_at where answered_at <> updated_at
"""
_PUT_PICTURES_BACK = """
update welno.welno_prescription_data set details = (
    select jsonb_agg(
        case when pictures ? (place - 1)::text
            then jsonb_set(detail, '{RetrieveMdsupDtlInfo,DrugImage}', pictures->(place - 1)::text)
            else detail end
        order by place)
    from jsonb_array_elements(details) with ordinality as listed (detail, place)
)
where pictures <> '{}'
"""
_PUT_DETAILS_BACK = """
update welno.welno_prescription_data set raw_data = raw_data || jsonb_build_object('RetrieveTreatmentInjectionInformationPersonDetailList', details)
where jsonb_array_length(details) > 0 and not raw_data ? 'RetrieveTreatmentInjectionInformationPersonDetailList'
"""


def upgrade() -> None:
    _create_answers()
    _create_versions()
    for table in (_CHECKUPS, _PRESCRIPTIONS):
        _add_columns(table)
    for name in _FINDINGS:
        op.add_column(_CHECKUPS, sa.Column(name, sa.Text(), nullable=True), schema="welno")
    op.add_column(_CHECKUPS, sa.Column("items", _JSONB, server_default=sa.text("'[]'"), nullable=False), schema="welno")
    op.add_column(
        _PRESCRIPTIONS, sa.Column("pictures", _JSONB, server_default=sa.text("'{}'"), nullable=False), schema="welno"
    )
    op.execute(_ITEMS)
    op.execute(_MEASURED)
    op.execute(_TAKE_PICTURES_OUT)
    op.execute(_DATE_THE_OTHERS)


def downgrade() -> None:
    op.execute(_PUT_PICTURES_BACK)
    op.execute(_PUT_DETAILS_BACK)
    op.drop_column(_PRESCRIPTIONS, "pictures", schema="welno")
    op.drop_column(_CHECKUPS, "items", schema="welno")
    for name in reversed(_FINDINGS):
        op.drop_column(_CHECKUPS, name, schema="welno")
    for table in (_PRESCRIPTIONS, _CHECKUPS):
        for name in ("withdrawn_at", "answered_at", "content_hash", "details_key"):
            op.drop_column(table, name, schema="welno")
    op.drop_table("welno_record_versions", schema="welno")
    op.drop_table("welno_record_answers", schema="welno")


def _add_columns(table: str) -> None:
    """With defaults: code from before this migration still writes rows."""
    for name in ("details_key", "content_hash"):
        op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False), schema="welno")
    answered_at = sa.Column("answered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column(table, answered_at, schema="welno")
    op.add_column(table, sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True), schema="welno")


def _create_answers() -> None:
    op.create_table(
        "welno_record_answers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_first", sa.Date(), nullable=True),
        sa.Column("window_last", sa.Date(), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('checkup', 'prescription')", name=op.f("ck_welno_record_answers_kind")),
        _of_patient("welno_record_answers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_record_answers")),
        sa.UniqueConstraint(
            "patient_uuid", "kind", "session_id", name=op.f("uq_welno_record_answers_patient_uuid_kind_session_id")
        ),
        schema="welno",
    )


def _create_versions() -> None:
    op.create_table(
        "welno_record_versions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", _JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('checkup', 'prescription')", name=op.f("ck_welno_record_versions_kind")),
        _of_patient("welno_record_versions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_record_versions")),
        schema="welno",
    )
    op.create_index(
        op.f("ix_welno_record_versions_patient_uuid_kind_record_id"),
        "welno_record_versions",
        ["patient_uuid", "kind", "record_id"],
        unique=False,
        schema="welno",
    )


def _of_patient(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["patient_uuid"], ["welno.welno_patients.uuid"], name=op.f(f"fk_{table}_patient_uuid"), ondelete="CASCADE"
    )
