"""create the tables of the collection."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("create schema if not exists welno")
    op.create_table(
        "welno_hospitals",
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("hospital_id", name=op.f("pk_welno_hospitals")),
        schema="welno",
    )
    op.execute("insert into welno.welno_hospitals (hospital_id, name) values ('PEERNINE', 'PEERNINE')")
    op.create_table(
        "welno_outbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_outbox")),
        schema="welno",
    )
    op.create_index(op.f("ix_welno_outbox_subject_id"), "welno_outbox", ["subject", "id"], unique=False, schema="welno")
    op.create_table(
        "welno_processes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_processes")),
        schema="welno",
    )
    op.create_table(
        "welno_collection_history",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("run_state", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("takeovers", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("resumes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resend_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sends", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("step_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("polls", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("collect_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("auth", sa.LargeBinary(), nullable=True),
        sa.Column("redirect_path", sa.Text(), nullable=True),
        sa.Column("oid", sa.Text(), nullable=True),
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("masked_name", sa.Text(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=True),
        sa.Column("health_count", sa.BigInteger(), nullable=True),
        sa.Column("prescription_count", sa.BigInteger(), nullable=True),
        sa.Column("health_failed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("prescriptions_failed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("auth_completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collection_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collection_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "run_state in ('idle', 'ready', 'running', 'waiting', 'ended')",
            name=op.f("ck_welno_collection_history_run_state"),
        ),
        sa.CheckConstraint(
            "status in ('initiated', 'auth_requesting', 'auth_pending', 'auth_completed', 'fetching_health_data', 'fetching_prescription_data', 'identifying', 'saving', 'mediarc_generating', 'completed', 'info_required', 'timeout', 'error', 'expired', 'cancelled')",
            name=op.f("ck_welno_collection_history_status"),
        ),
        sa.CheckConstraint(
            "step in ('request_simple_auth', 'poll_simple_auth', 'fetch_health_data', 'fetch_prescriptions', 'identify_patient', 'save_files', 'import_files', 'make_report', 'finish')",
            name=op.f("ck_welno_collection_history_step"),
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["welno.welno_hospitals.hospital_id"], name=op.f("fk_welno_collection_history_hospital_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_welno_collection_history")),
        schema="welno",
    )
    op.create_index(
        "ix_welno_collection_history_expiry",
        "welno_collection_history",
        ["expires_at"],
        unique=False,
        schema="welno",
        postgresql_where=sa.text("run_state <> 'ended'"),
    )
    op.create_index(
        "ix_welno_collection_history_open",
        "welno_collection_history",
        ["run_state", "resend_at"],
        unique=False,
        schema="welno",
        postgresql_where=sa.text("run_state <> 'ended'"),
    )
    op.create_table(
        "welno_patients",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), server_default="welno", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("has_health_data", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("has_prescription_data", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("has_mediarc_report", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_data_update", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gender in ('M', 'F')", name=op.f("ck_welno_patients_gender")),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["welno.welno_hospitals.hospital_id"], name=op.f("fk_welno_patients_hospital_id")
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_welno_patients")),
        sa.UniqueConstraint("phone", "birth_date", "name", name=op.f("uq_welno_patients_phone_birth_date_name")),
        schema="welno",
    )
    op.create_table(
        "tb_campaign_payments",
        sa.Column("oid", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=True),
        sa.Column("patient_uuid", sa.Uuid(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("pipeline_step", sa.Text(), nullable=True),
        sa.Column("report_url", sa.Text(), nullable=True),
        sa.Column("mediarc_response", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "pipeline_step in ('TILKO_SYNCING', 'DATA_COLLECTED', 'REPORT_WAITING', 'REPORT_COMPLETED', 'REPORT_FAILED')",
            name=op.f("ck_tb_campaign_payments_pipeline_step"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_tb_campaign_payments_patient_uuid"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("oid", name=op.f("pk_tb_campaign_payments")),
        schema="welno",
    )
    op.create_table(
        "tb_wello_terms_agreement",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("oid", sa.Text(), nullable=True),
        sa.Column("terms_agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terms_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_tb_wello_terms_agreement_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tb_wello_terms_agreement")),
        sa.UniqueConstraint(
            "patient_uuid", "session_id", name=op.f("uq_tb_wello_terms_agreement_patient_uuid_session_id")
        ),
        schema="welno",
    )
    op.create_table(
        "welno_checkup_data",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=True),
        sa.Column("checkup_date", sa.Date(), nullable=True),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("height_cm", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("weight_kg", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("waist_cm", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("bmi", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("systolic_mmhg", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("diastolic_mmhg", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("fasting_glucose_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("total_cholesterol_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("hdl_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("ldl_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("triglycerides_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("hemoglobin_g_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("creatinine_mg_dl", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("gfr", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("ast_u_l", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("alt_u_l", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("gamma_gtp_u_l", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("urine_protein", sa.Text(), nullable=True),
        sa.Column("tuberculosis", sa.Text(), nullable=True),
        sa.Column("raw_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["welno.welno_hospitals.hospital_id"], name=op.f("fk_welno_checkup_data_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_checkup_data_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_checkup_data")),
        sa.UniqueConstraint("patient_uuid", "record_key", name=op.f("uq_welno_checkup_data_patient_uuid_record_key")),
        schema="welno",
    )
    op.create_index(
        op.f("ix_welno_checkup_data_patient_uuid_checkup_date"),
        "welno_checkup_data",
        ["patient_uuid", "checkup_date"],
        unique=False,
        schema="welno",
    )
    op.create_table(
        "welno_collection_steps",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["welno.welno_collection_history.session_id"],
            name=op.f("fk_welno_collection_steps_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_collection_steps")),
        schema="welno",
    )
    op.create_index(
        op.f("ix_welno_collection_steps_session_id_id"),
        "welno_collection_steps",
        ["session_id", "id"],
        unique=False,
        schema="welno",
    )
    op.create_table(
        "welno_mediarc_reports",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.Text(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("mkt_uuid", sa.Text(), nullable=True),
        sa.Column("report_url", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("analyzed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bodyage", sa.BigInteger(), nullable=True),
        sa.Column("rank", sa.BigInteger(), nullable=True),
        sa.Column("disease_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cancer_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mediarc_response", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["welno.welno_hospitals.hospital_id"], name=op.f("fk_welno_mediarc_reports_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_mediarc_reports_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_mediarc_reports")),
        sa.UniqueConstraint(
            "partner_id",
            "patient_uuid",
            "hospital_id",
            name=op.f("uq_welno_mediarc_reports_partner_id_patient_uuid_hospital_id"),
        ),
        schema="welno",
    )
    op.create_table(
        "welno_patient_passwords",
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("wrong_tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_patient_passwords_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("patient_uuid", name=op.f("pk_welno_patient_passwords")),
        schema="welno",
    )
    op.create_table(
        "welno_prescription_data",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("patient_uuid", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("hospital_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("treatment_date", sa.Date(), nullable=True),
        sa.Column("treatment_type", sa.Text(), nullable=False),
        sa.Column("visit_count", sa.BigInteger(), nullable=True),
        sa.Column("medication_count", sa.BigInteger(), nullable=True),
        sa.Column("prescription_count", sa.BigInteger(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw_data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["welno.welno_hospitals.hospital_id"], name=op.f("fk_welno_prescription_data_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_uuid"],
            ["welno.welno_patients.uuid"],
            name=op.f("fk_welno_prescription_data_patient_uuid"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welno_prescription_data")),
        sa.UniqueConstraint(
            "patient_uuid", "record_key", name=op.f("uq_welno_prescription_data_patient_uuid_record_key")
        ),
        schema="welno",
    )
    op.create_index(
        op.f("ix_welno_prescription_data_patient_uuid_treatment_date"),
        "welno_prescription_data",
        ["patient_uuid", "treatment_date"],
        unique=False,
        schema="welno",
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_welno_prescription_data_patient_uuid_treatment_date"),
        table_name="welno_prescription_data",
        schema="welno",
    )
    op.drop_table("welno_prescription_data", schema="welno")
    op.drop_table("welno_patient_passwords", schema="welno")
    op.drop_table("welno_mediarc_reports", schema="welno")
    op.drop_index(op.f("ix_welno_collection_steps_session_id_id"), table_name="welno_collection_steps", schema="welno")
    op.drop_table("welno_collection_steps", schema="welno")
    op.drop_index(
        op.f("ix_welno_checkup_data_patient_uuid_checkup_date"), table_name="welno_checkup_data", schema="welno"
    )
    op.drop_table("welno_checkup_data", schema="welno")
    op.drop_table("tb_wello_terms_agreement", schema="welno")
    op.drop_table("tb_campaign_payments", schema="welno")
    op.drop_table("welno_patients", schema="welno")
    op.drop_index(
        "ix_welno_collection_history_open",
        table_name="welno_collection_history",
        schema="welno",
        postgresql_where=sa.text("run_state <> 'ended'"),
    )
    op.drop_index(
        "ix_welno_collection_history_expiry",
        table_name="welno_collection_history",
        schema="welno",
        postgresql_where=sa.text("run_state <> 'ended'"),
    )
    op.drop_table("welno_collection_history", schema="welno")
    op.drop_table("welno_processes", schema="welno")
    op.drop_index(op.f("ix_welno_outbox_subject_id"), table_name="welno_outbox", schema="welno")
    op.drop_table("welno_outbox", schema="welno")
    op.drop_table("welno_hospitals", schema="welno")
    op.execute("drop schema welno")
