"""What one change writes beside the rows that it changes: its logs, what the person was told, and what the hospital's
system has still to be told. Gathered, and written in one statement: each is a round trip to the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.journey import EmrEntity

# Rows of a log are numbered in the order of their array. All of it is done, also what nothing is selected from.
_WRITE = text("""
    with logged as (
        insert into welno.queue_status_logs
            (queue_id, previous_state, new_state, reason, changed_by, metadata, created_at)
        select queue_id, previous_state, new_state, reason, changed_by, metadata, created_at
        from json_to_recordset(cast(:entries as json)) as row (
            queue_id uuid, previous_state text, new_state text, reason text, changed_by uuid, metadata jsonb,
            created_at timestamptz
        )
    ), stepped as (
        insert into welno.state_transitions (
            user_id, visit_id, from_state, to_state, trigger_type, trigger_source, metadata, request_id, created_at
        )
        select :user_id, visit_id, from_state, to_state, trigger_type, trigger_source, metadata, request_id, created_at
        from json_to_recordset(cast(:transitions as json)) as row (
            visit_id uuid, from_state text, to_state text, trigger_type text, trigger_source text, metadata jsonb,
            request_id text, created_at timestamptz
        )
    ), notified as (
        insert into welno.notifications (user_id, kind, body, queue_id, created_at)
        select :user_id, kind, body, queue_id, created_at
        from json_to_recordset(cast(:notifications as json)) as row (
            kind text, body text, queue_id uuid, created_at timestamptz
        )
    ), told as (
        update welno.queues q
        set told_position = row.position, estimated_wait_time = row.minutes,
            predicted_wait_minutes = coalesce(row.predicted_minutes, q.predicted_wait_minutes),
            predicted_low_minutes = coalesce(row.predicted_low, q.predicted_low_minutes),
            predicted_high_minutes = coalesce(row.predicted_high, q.predicted_high_minutes)
        from json_to_recordset(cast(:told as json)) as row (
            queue_id uuid, position int, minutes int, predicted_minutes int, predicted_low int, predicted_high int
        )
        where q.queue_id = row.queue_id
    )
    insert into welno.emr_sync_status (user_id, entity, entity_id)
    select :user_id, entity, entity_id
    from json_to_recordset(cast(:pending as json)) as row (entity text, entity_id uuid)
    on conflict (entity, entity_id) do update
    set status = 'pending', attempts = 0, last_error = null, updated_at = clock_timestamp()
""")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ChangeLog:
    """Rows of one person, by the columns of their tables: `entries` of queue_status_logs, `transitions`,
    `notifications`. `told` is the place and the estimate that an entry was told, and, of a new one, predicted;
    `pending` what the hospital's system does not know yet."""

    entries: list[Row] = field(default_factory=list)
    transitions: list[Row] = field(default_factory=list)
    notifications: list[Row] = field(default_factory=list)
    told: list[Row] = field(default_factory=list)
    pending: dict[tuple[EmrEntity, UUID], None] = field(default_factory=dict)

    def write(self, session: Session, user_id: UUID) -> None:
        """After the rows that they are of."""
        pending = [{"entity": entity, "entity_id": entity_id} for entity, entity_id in self.pending]
        rows: dict[str, list[Row]] = {
            "entries": self.entries,
            "transitions": self.transitions,
            "notifications": self.notifications,
            "told": self.told,
            "pending": list(pending),
        }
        if any(rows.values()):
            arrays = {name: orjson.dumps(of_kind).decode() for name, of_kind in rows.items()}
            session.execute(_WRITE, {"user_id": user_id} | arrays)
