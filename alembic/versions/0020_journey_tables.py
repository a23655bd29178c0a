"""the journey's tables: expand. Nothing reads them before; what they may hold is constrained by the third of three."""

from collections.abc import Sequence

from alembic import op

revision: str = "0020"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PLACES = """
    create table welno.rooms (
        room_id text not null,
        title text not null,
        floor bigint not null,
        x double precision not null,
        y double precision not null,
        constraint pk_rooms primary key (room_id)
    );
    create table welno.exams (
        exam_id text not null,
        title text not null,
        display_title text not null,
        room_id text,
        avg_minutes bigint,
        needs_fasting boolean default false not null,
        constraint pk_exams primary key (exam_id),
        constraint fk_exams_room_id foreign key (room_id) references welno.rooms (room_id)
    );
    create table welno.displays (
        display_id text not null,
        title text not null,
        exam_ids jsonb not null,
        key_hash text not null,
        revoked_at timestamptz,
        constraint pk_displays primary key (display_id)
    );
    create table welno.nfc_tags (
        tag_id text not null,
        tag_uid text not null,
        tag_code text not null,
        title text not null,
        room_id text,
        floor bigint not null,
        x double precision not null,
        y double precision not null,
        exam_ids jsonb default '[]' not null,
        is_active boolean default true not null,
        sun_key text,
        constraint pk_nfc_tags primary key (tag_id),
        constraint uq_nfc_tags_tag_uid unique (tag_uid),
        constraint uq_nfc_tags_tag_code unique (tag_code),
        constraint fk_nfc_tags_room_id foreign key (room_id) references welno.rooms (room_id)
    );
    create table welno.shifts (
        shift_id bigserial not null,
        staff_id uuid not null,
        exam_id text not null,
        room_id text not null,
        started_at timestamptz default now() not null,
        ended_at timestamptz,
        constraint pk_shifts primary key (shift_id),
        constraint fk_shifts_staff_id foreign key (staff_id) references welno.accounts (account_id),
        constraint fk_shifts_exam_id foreign key (exam_id) references welno.exams (exam_id),
        constraint fk_shifts_room_id foreign key (room_id) references welno.rooms (room_id)
    );
    create index ix_shifts_exam_id_open on welno.shifts (exam_id) where ended_at is null;
"""
_PEOPLE = """
    create table welno.users (
        user_id uuid not null,
        name text not null,
        phone text not null,
        phone_hash text not null,
        login_hash text not null,
        birth_date text not null,
        role text default 'patient' not null,
        created_at timestamptz default now() not null,
        constraint pk_users primary key (user_id)
    );
    create index ix_users_login_hash on welno.users (login_hash);
    create index ix_users_phone_hash on welno.users (phone_hash);
    create table welno.scan_tokens (
        jti uuid not null,
        user_id uuid not null,
        claimed_at timestamptz not null,
        expires_at timestamptz not null,
        constraint pk_scan_tokens primary key (jti),
        constraint fk_scan_tokens_user_id foreign key (user_id) references welno.users (user_id) on delete cascade
    );
    create index ix_scan_tokens_expires_at on welno.scan_tokens (expires_at);
    create index ix_scan_tokens_user_id on welno.scan_tokens (user_id);
    create table welno.visits (
        visit_id uuid not null,
        user_id uuid not null,
        began_at timestamptz not null,
        ended_at timestamptz,
        ended_by text,
        is_unpaid boolean default false not null,
        updated_at timestamptz default now() not null,
        constraint pk_visits primary key (visit_id),
        constraint fk_visits_user_id foreign key (user_id) references welno.users (user_id) on delete cascade
    );
    create index ix_visits_began_at on welno.visits (began_at);
    create index ix_visits_user_id_began_at on welno.visits (user_id, began_at);
    create table welno.appointments (
        appointment_id uuid not null,
        user_id uuid not null,
        exam_id text not null,
        scheduled_at timestamptz not null,
        status text default 'scheduled' not null,
        cancelled_reason text,
        updated_at timestamptz default now() not null,
        constraint pk_appointments primary key (appointment_id),
        constraint fk_appointments_user_id foreign key (user_id) references welno.users (user_id) on delete cascade,
        constraint fk_appointments_exam_id foreign key (exam_id) references welno.exams (exam_id)
    );
    create index ix_appointments_open on welno.appointments (scheduled_at) where status = 'scheduled';
    create index ix_appointments_user_id_scheduled_at on welno.appointments (user_id, scheduled_at);
    create table welno.patient_states (
        user_id uuid not null,
        current_state text default 'UNREGISTERED' not null,
        visit_id uuid,
        event_seq bigint default 0 not null,
        changed_at timestamptz default clock_timestamp() not null,
        is_logged_in boolean default false not null,
        login_method text,
        current_exam_id text,
        version bigint default 1 not null,
        updated_at timestamptz default now() not null,
        constraint pk_patient_states primary key (user_id),
        constraint fk_patient_states_user_id foreign key (user_id) references welno.users (user_id) on delete cascade,
        constraint fk_patient_states_visit_id foreign key (visit_id) references welno.visits (visit_id),
        constraint fk_patient_states_current_exam_id foreign key (current_exam_id) references welno.exams (exam_id)
    );
    create index ix_patient_states_changed_at on welno.patient_states (changed_at);
    create index ix_patient_states_visit_id on welno.patient_states (visit_id);
    create table welno.state_transitions (
        id bigserial not null,
        user_id uuid not null,
        visit_id uuid,
        from_state text not null,
        to_state text not null,
        trigger_type text not null,
        trigger_source text not null,
        metadata jsonb default '{}' not null,
        request_id text not null,
        created_at timestamptz default now() not null,
        constraint pk_state_transitions primary key (id),
        constraint fk_state_transitions_user_id foreign key (user_id) references welno.users (user_id) on delete cascade,
        constraint fk_state_transitions_visit_id foreign key (visit_id) references welno.visits (visit_id)
    );
    create index ix_state_transitions_user_id_created_at on welno.state_transitions (user_id, created_at);
    create index ix_state_transitions_visit_id_id on welno.state_transitions (visit_id, id);
    create table welno.tag_logs (
        id bigserial not null,
        tag_id text,
        tag_uid_hash text not null,
        user_id uuid,
        device_id text,
        action text not null,
        created_at timestamptz default clock_timestamp() not null,
        constraint pk_tag_logs primary key (id),
        constraint fk_tag_logs_tag_id foreign key (tag_id) references welno.nfc_tags (tag_id),
        constraint fk_tag_logs_user_id foreign key (user_id) references welno.users (user_id) on delete set null
    );
    create index ix_tag_logs_created_at on welno.tag_logs (created_at);
    create index ix_tag_logs_tag_id_created_at on welno.tag_logs (tag_id, created_at);
    create index ix_tag_logs_user_id on welno.tag_logs (user_id);
"""
_LINES = """
    create table welno.queues (
        queue_id uuid not null,
        user_id uuid not null,
        visit_id uuid not null,
        exam_id text not null,
        room_id text,
        appointment_id uuid,
        service_date date not null,
        queue_number bigint not null,
        place bigint not null,
        place_since timestamptz not null,
        state text not null,
        priority bigint default 0 not null,
        priority_reason text,
        estimated_wait_time bigint,
        predicted_wait_minutes bigint,
        predicted_low_minutes bigint,
        predicted_high_minutes bigint,
        told_position bigint,
        no_show_count bigint default 0 not null,
        delay_count bigint default 0 not null,
        call_count bigint default 0 not null,
        joined_at timestamptz not null,
        called_at timestamptz,
        call_seen_at timestamptz,
        started_at timestamptz,
        completed_at timestamptz,
        transferred_from uuid,
        version bigint default 1 not null,
        event_seq bigint default 0 not null,
        changed_at timestamptz default clock_timestamp() not null,
        updated_at timestamptz default now() not null,
        constraint pk_queues primary key (queue_id),
        constraint uq_queues_exam_id_service_date_queue_number unique (exam_id, service_date, queue_number),
        constraint uq_queues_exam_id_service_date_place unique (exam_id, service_date, place),
        constraint fk_queues_user_id foreign key (user_id) references welno.users (user_id) on delete cascade,
        constraint fk_queues_visit_id foreign key (visit_id) references welno.visits (visit_id),
        constraint fk_queues_exam_id foreign key (exam_id) references welno.exams (exam_id),
        constraint fk_queues_room_id foreign key (room_id) references welno.rooms (room_id),
        constraint fk_queues_appointment_id foreign key (appointment_id) references welno.appointments (appointment_id),
        constraint fk_queues_transferred_from foreign key (transferred_from) references welno.queues (queue_id)
    );
    create index ix_queues_appointment_id on welno.queues (appointment_id);
    create index ix_queues_called on welno.queues (exam_id, called_at) where called_at is not null;
    create index ix_queues_changed_at on welno.queues (changed_at);
    create index ix_queues_completed on welno.queues (exam_id, completed_at) where completed_at is not null;
    create index ix_queues_exam_id_service_date_state_place on welno.queues (exam_id, service_date, state, place);
    create index ix_queues_line on welno.queues (exam_id) where state in ('waiting', 'delayed', 'called', 'in_progress');
    create index ix_queues_user_id_state on welno.queues (user_id, state);
    create index ix_queues_visit_id on welno.queues (visit_id);
    create table welno.queue_counters (
        exam_id text not null,
        service_date date not null,
        last_number bigint not null,
        last_place bigint not null,
        constraint pk_queue_counters primary key (exam_id, service_date),
        constraint fk_queue_counters_exam_id foreign key (exam_id) references welno.exams (exam_id)
    );
    create table welno.queue_status_logs (
        id bigserial not null,
        queue_id uuid not null,
        previous_state text,
        new_state text not null,
        reason text,
        changed_by uuid,
        metadata jsonb default '{}' not null,
        created_at timestamptz default now() not null,
        constraint pk_queue_status_logs primary key (id),
        constraint fk_queue_status_logs_queue_id foreign key (queue_id) references welno.queues (queue_id) on delete cascade,
        constraint fk_queue_status_logs_changed_by foreign key (changed_by) references welno.accounts (account_id)
    );
    create index ix_queue_status_logs_queue_id_id on welno.queue_status_logs (queue_id, id);
    create table welno.notifications (
        id bigserial not null,
        user_id uuid not null,
        kind text not null,
        body text not null,
        queue_id uuid,
        created_at timestamptz default now() not null,
        read_at timestamptz,
        constraint pk_notifications primary key (id),
        constraint fk_notifications_user_id foreign key (user_id) references welno.users (user_id) on delete cascade,
        constraint fk_notifications_queue_id foreign key (queue_id) references welno.queues (queue_id) on delete cascade
    );
    create index ix_notifications_queue_id on welno.notifications (queue_id);
    create index ix_notifications_user_id_id on welno.notifications (user_id, id);
"""
_DELIVERY = """
    create table welno.emr_sync_status (
        id bigserial not null,
        user_id uuid not null,
        entity text not null,
        entity_id uuid not null,
        status text default 'pending' not null,
        attempts bigint default 0 not null,
        last_error text,
        updated_at timestamptz default clock_timestamp() not null,
        constraint pk_emr_sync_status primary key (id),
        constraint uq_emr_sync_status_entity_entity_id unique (entity, entity_id),
        constraint fk_emr_sync_status_user_id foreign key (user_id) references welno.users (user_id) on delete cascade
    );
    create index ix_emr_sync_status_pending on welno.emr_sync_status (updated_at) where status = 'pending';
    create index ix_emr_sync_status_user_id on welno.emr_sync_status (user_id);
    create table welno.idempotency_keys (
        actor text not null,
        key_hash text not null,
        fingerprint text not null,
        status bigint,
        reply text,
        created_at timestamptz not null,
        constraint pk_idempotency_keys primary key (actor, key_hash)
    );
    create index ix_idempotency_keys_created_at on welno.idempotency_keys (created_at);
"""
_TABLES = ("idempotency_keys", "emr_sync_status", "notifications", "queue_status_logs", "queue_counters", "queues")
_TABLES += ("tag_logs", "state_transitions", "patient_states", "appointments", "visits", "scan_tokens", "users")
_TABLES += ("shifts", "nfc_tags", "displays", "exams", "rooms")
_KINDS = ("patient", "queue", "exam", "hall")


def upgrade() -> None:
    for statements in (_PLACES, _PEOPLE, _LINES, _DELIVERY):
        op.execute(statements)
    for kind in _KINDS:
        # Where rows land until a day has a partition of its own.
        op.execute(f"""
            create table welno_log.{kind} partition of welno.welno_events
            for values in ('{kind}') partition by range (created_at)
        """)
        op.execute(f"create table welno_log.{kind}_other partition of welno_log.{kind} default")


def downgrade() -> None:
    for kind in _KINDS:
        op.execute(f"drop table welno_log.{kind}")
        op.execute(f"delete from welno.welno_subjects where subject like '{kind}:%'")  # noqa: S608 our own names
    for table in _TABLES:
        op.drop_table(table, schema="welno")
