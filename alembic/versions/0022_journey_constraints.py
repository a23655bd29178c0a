"""what the journey's tables may hold: constraints, after the old names are gone."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JOURNEY = (
    "'UNREGISTERED', 'ARRIVED', 'REGISTERED', 'WAITING', 'CALLED', 'IN_PROGRESS', 'COMPLETED', 'PAYMENT', 'FINISHED'"
)
_QUEUE = "'waiting', 'delayed', 'called', 'no_show', 'in_progress', 'completed', 'cancelled'"
_CHECKS = (
    ("users", "role", "role in ('patient')"),
    ("emr_sync_status", "entity", "entity in ('appointment', 'queue', 'visit')"),
    ("emr_sync_status", "status", "status in ('pending', 'synced', 'failed')"),
    ("visits", "ended_by", "ended_by in ('left', 'day_close')"),
    ("visits", "ended_somehow", "(ended_at is null) = (ended_by is null)"),
    (
        "appointments",
        "status",
        "status in ('scheduled', 'checked_in', 'in_progress', 'completed', 'cancelled', 'no_show')",
    ),
    ("patient_states", "current_state", f"current_state in ({_JOURNEY})"),
    ("patient_states", "login_method", "login_method in ('simple')"),
    ("state_transitions", "from_state", f"from_state in ({_JOURNEY})"),
    ("state_transitions", "to_state", f"to_state in ({_JOURNEY})"),
    (
        "state_transitions",
        "trigger_type",
        "trigger_type in ('nfc_tag', 'patient_action', 'staff_action', 'queue_sync', 'system_auto')",
    ),
    ("tag_logs", "action", "action in ('scan', 'rescan', 'unknown', 'inactive', 'qr', 'replay')"),
    ("queues", "state", f"state in ({_QUEUE})"),
    (
        "queues",
        "priority_reason",
        "priority_reason in ('urgent', 'elderly', 'disabled', 'pregnant', 'infant', 'infection', 'returning', 'other')",
    ),
    ("queues", "priority", "priority between 0 and 3"),
    (
        "notifications",
        "kind",
        "kind in ('patient_called', 'call_repeated', 'call_withdrawn', 'moved', 'cancelled', 'day_closed')",
    ),
    ("queue_status_logs", "previous_state", f"previous_state in ({_QUEUE})"),
    ("queue_status_logs", "new_state", f"new_state in ({_QUEUE})"),
)
_OPEN = "ended_at is null"
_ONE_OF_EACH = (
    ("visits", "uq_visits_user_id_open", ["user_id"], _OPEN),
    ("shifts", "uq_shifts_room_id_open", ["room_id"], _OPEN),
    ("shifts", "uq_shifts_staff_id_open", ["staff_id"], _OPEN),
    (
        "queues",
        "uq_queues_active",
        ["user_id", "exam_id", "service_date"],
        "state in ('waiting', 'delayed', 'called', 'in_progress')",
    ),
)


def upgrade() -> None:
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition, schema="welno")
    for table, name, columns, condition in _ONE_OF_EACH:
        op.create_index(name, table, columns, unique=True, schema="welno", postgresql_where=sa.text(condition))


def downgrade() -> None:
    for table, name, _, _ in _ONE_OF_EACH:
        op.drop_index(name, table_name=table, schema="welno")
    for table, name, _ in _CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, schema="welno", type_="check")
