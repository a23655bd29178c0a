"""the back end's own device in threads, and the records that patients want put into a thread: expand. Nothing reads
them before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = """
    create table welno.welno_thread_service_devices (
        device_id uuid not null,
        sealed_keys bytea not null,
        created_at timestamptz default now() not null,
        constraint pk_welno_thread_service_devices primary key (device_id),
        constraint fk_welno_thread_service_devices_device_id foreign key(device_id)
            references welno.welno_thread_devices (device_id) on delete cascade
    );
    create table welno.welno_thread_record_sendings (
        id uuid not null,
        thread_id text not null,
        patient_uuid uuid not null,
        what jsonb not null,
        request_id text not null,
        requested_at timestamptz not null,
        resend_at timestamptz not null,
        ended_at timestamptz,
        result text,
        constraint pk_welno_thread_record_sendings primary key (id),
        constraint fk_welno_thread_record_sendings_thread_id foreign key(thread_id)
            references welno.welno_threads (id),
        constraint fk_welno_thread_record_sendings_patient_uuid foreign key(patient_uuid)
            references welno.welno_patients (uuid) on delete cascade
    );
    create index ix_welno_thread_record_sendings_thread_id on welno.welno_thread_record_sendings (thread_id);
    create index ix_welno_thread_record_sendings_patient_uuid on welno.welno_thread_record_sendings (patient_uuid);
    create index ix_welno_thread_record_sendings_due on welno.welno_thread_record_sendings (resend_at)
        where ended_at is null
"""


def upgrade() -> None:
    op.execute(_TABLES)


def downgrade() -> None:
    op.execute("drop table welno.welno_thread_record_sendings; drop table welno.welno_thread_service_devices")
